# Domains and finite populations from R's package survey, for tests/models/inference/test_survey_domains.py.
# Run in this folder: Rscript domains.R. `firms.csv` is made up here (simulated): 6 districts, of each of which
# some of the villages are drawn, and in each village some firms; exporters lie in few of the villages.
suppressMessages(library(survey))
set.seed(7)
drawn <- c(7, 8, 9, 6, 10, 6); there <- c(20, 31, 18, 9, 40, 12)
village <- unlist(lapply(seq_along(drawn), function(h) rep(seq_len(drawn[h]), each = 6)))
district <- rep(seq_along(drawn), 6 * drawn)
n <- length(village)
shared <- rnorm(sum(drawn))[as.integer(factor(paste(district, village)))]
d <- data.frame(district = letters[district], village = village, villages = there[district],
  share = drawn[district] / there[district])
d$weight <- round(there[district] / drawn[district] * runif(n, 1, 6), 3)
d$rd <- round(rnorm(n) + .5 * shared, 4)
d$size <- round(rnorm(n), 4)
d$exporter <- as.integer(runif(n) < plogis(-2.2 + 2 * (village %% 3 == 0)))
d$sales <- round(1 + .6 * d$rd - .3 * d$size + .5 * shared + rnorm(n), 4)
d$innovates <- as.integer(d$sales + rnorm(n) > 1)
d$patents <- rpois(n, exp(-.2 + .4 * d$rd + .2 * shared))
write.csv(d, "firms.csv", row.names = FALSE)
out <- list()
keep <- function(case, model, fit, design) {
  terms <- sub("(Intercept)", "Intercept", names(coef(fit)), fixed = TRUE)
  # Stata's degrees of freedom: all units of the strata that the domain lies in, less these strata.
  full <- unique(d[c("district", "village")])
  in_domain <- unique(as.character(design$variables$district))
  units <- if (grepl("cluster", case)) sum(full$district %in% in_domain) else sum(d$district %in% in_domain)
  out[[length(out) + 1]] <<- data.frame(case = case, model = model, term = terms,
    estimate = as.numeric(coef(fit)), std_error = as.numeric(sqrt(diag(vcov(fit)))), df = units - length(in_domain))
}
tight <- list(epsilon = 1e-14, maxit = 100)
run <- function(case, design) {
  keep(case, "ols", svyglm(sales ~ rd + size, design), design)
  keep(case, "logit", svyglm(innovates ~ rd + size, design, family = quasibinomial(), control = tight), design)
  keep(case, "poisson", svyglm(patents ~ rd + size, design, family = quasipoisson(), control = tight), design)
}
plain <- svydesign(~village, strata = ~district, weights = ~weight, data = d, nest = TRUE)
finite <- svydesign(~village, strata = ~district, weights = ~weight, data = d, nest = TRUE, fpc = ~villages)
rows <- svydesign(~1, strata = ~district, weights = ~weight, data = d)
run("clusters, domain", subset(plain, exporter == 1))
run("clusters, fpc", finite)
run("clusters, fpc and domain", subset(finite, exporter == 1))
run("clusters, domain of four districts", subset(plain, exporter == 1 & district %in% c("a", "b", "c", "e")))
run("rows, domain", subset(rows, exporter == 1))
options(digits = 17)
write.csv(do.call(rbind, out), "domains.csv", row.names = FALSE)
# Means and totals under fpc, for tests/measures/firms/test_survey.py.
means <- list()
for (column in c("sales", "innovates")) for (what in c("mean", "total")) {
  f <- as.formula(paste0("~", column)); g <- if (what == "mean") svymean else svytotal
  all <- g(f, finite); some <- g(f, subset(finite, exporter == 1))
  means[[length(means) + 1]] <- data.frame(what = what, column = column, exporter = c(NA, 1),
    estimate = c(coef(all), coef(some)), standard_error = c(SE(all), SE(some)))
}
write.csv(do.call(rbind, means), "means.csv", row.names = FALSE)
