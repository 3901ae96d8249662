"""How large a survey must be to answer a hypothesis; every number of it is of a simulated economy.

laws          chances of a test: power, errors of sign and of size, smallest detectable effect
clusters      design effects, intraclass correlation, the cheapest allocation
design        what is planned, and what no plan can be
large         standard errors of a claim's own estimators, from one large economy or a pilot panel
levers        the parameter of the economy behind each rule
replications  the same by brute force: many economies, in chunks that can be resumed
power         the public function and its result
figure        power over firms and clusters
show          what the command prints
"""
