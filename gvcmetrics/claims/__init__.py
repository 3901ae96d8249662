"""The field's claims, as data: what each says, which panels can answer it, and what they answer.

claim       a hypothesis under a schema; the reader refuses a rule that no data could fail
construct   the measures that a claim may name
match       what a panel lacks for a claim
examine     claim × panel → estimates
verdict     estimates → supported, contradicted, no clear answer, equivalent to zero
pool        one summary of several panels
run         every claim × every built panel → one table
"""
