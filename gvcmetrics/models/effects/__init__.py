"""What is done about the units: absorbed, conditioned away, random, with unit means."""
