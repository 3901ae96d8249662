"""What changed between the waves of a survey, before they become one panel."""
