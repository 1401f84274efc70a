"""What tasks are called."""

from marx.server.ids import LETTERS, keyed_id, make_id


def test_ids_are_short_and_easy_to_type() -> None:
    ids = {make_id() for _ in range(1000)} | {keyed_id("ada", str(number)) for number in range(1000)}
    assert len(ids) == 2000 and all(len(id) == 8 and set(id) <= set(LETTERS) for id in ids)


def test_a_key_of_a_user_always_means_the_same_id_and_of_another_another() -> None:
    assert keyed_id("ada", "key") == keyed_id("ada", "key") != keyed_id("bob", "key")
