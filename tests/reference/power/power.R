# Values of tests/planning/test_laws.py: R's own power functions, and the smallest effect of a cluster-randomised
# trial of 40 clusters of 20 (Bloom 2005: the sum of two t quantiles times the standard error).
n <- power.prop.test(p1 = .5, p2 = .75, power = .9)$n
cat(sprintf("prop_n %.8f\n", n))
cat(sprintf("t_n %.8f\n", power.t.test(delta = .5, power = .8)$n))
cat(sprintf("t_power %.8f\n", power.t.test(n = 20, delta = 1, sd = 1)$power))
cat(sprintf("cluster_mde %.8f\n", (qt(.975, 38) + qt(.8, 38)) * sqrt(4 * (.05 + .95 / 20) / 40)))
