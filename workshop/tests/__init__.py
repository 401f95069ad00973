"""Tests of the workshop; `make workshop` runs them."""
