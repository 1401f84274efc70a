"""An epidemic in a closed population, by the equations of Kermack and McKendrick (1927)."""

from typing import Iterator, NamedTuple

STEPS_A_DAY = 50


class Outbreak(NamedTuple):
    """One epidemic to simulate: its population, and how it spreads and ends, per day."""

    population: int
    sick: float  # on day 0
    infection: float  # how many others a sick person infects in a day while all others are healthy
    recovery: float  # the share of the sick who recover in a day

    @property
    def reproduction(self) -> float:
        """How many others the first sick person infects in all; below 1 the epidemic dies out."""
        return self.infection / self.recovery

    def sick_by_day(self) -> Iterator[float]:
        """How many are sick on day 0, 1, 2 and so on, without end."""
        healthy, sick = self.population - self.sick, self.sick
        while True:
            yield sick
            for _ in range(STEPS_A_DAY):
                infected = self.infection * healthy * sick / self.population / STEPS_A_DAY
                recovered = self.recovery * sick / STEPS_A_DAY
                healthy, sick = healthy - infected, sick + infected - recovered
