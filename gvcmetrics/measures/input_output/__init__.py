"""Inter-country input-output tables: participation, position, decompositions of exports."""
