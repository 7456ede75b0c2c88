"""What Rastro costs, measured beside what else could have been done with the same machine: ``make bench``."""
