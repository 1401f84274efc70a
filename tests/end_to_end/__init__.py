"""Whole labs: real twistd, real TLS, real interpreters, real kills. Nothing is pretended here."""
