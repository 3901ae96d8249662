"""Small numbers of cases: agreement of coders, and comparison of cases as sets."""
