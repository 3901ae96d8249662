"""What studies write down, and the page that shows them."""
