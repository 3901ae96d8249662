"""What an estimate is, says and predicts."""
