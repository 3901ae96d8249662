"""Marginal effects: `rows` moves regressors, `surface` knows expected outcomes, `averages` joins the two,
`contrasts` says what is compared, `effects` has the public `margins`, `result` what it returns.
"""
