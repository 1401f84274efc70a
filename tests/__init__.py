"""What Marx promises, as tests. The folders mirror marx/; `fakes` holds the doubles, each verified against the real thing."""
