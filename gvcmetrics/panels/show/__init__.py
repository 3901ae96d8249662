"""What a person sees of panels: terminal, codebook."""
