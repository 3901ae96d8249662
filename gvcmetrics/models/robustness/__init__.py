"""How much of a result depends on choices: controls, clusters, chance, what would count as nothing."""
