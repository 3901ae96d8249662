"""Who governs the chain that a firm sells into, and how far it is locked in."""
