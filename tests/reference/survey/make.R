# Means and totals by design from R's package survey, for tests/measures/test_survey.py.
# Run in this folder: Rscript make.R. `sample.csv` is made up here (simulated), with missing values.
suppressMessages(library(survey))
set.seed(20)
n <- 160
d <- data.frame(stratum = sample(c("a", "b", "c", "d"), n, TRUE, c(.4, .3, .2, .1)),
                psu = sample(1:6, n, TRUE), size = sample(c("large", "small"), n, TRUE))
d$weight <- round(runif(n, 1, 40), 3)
d$sales <- round(exp(rnorm(n, 3 + .4 * (d$psu %% 3))), 4)
d$exports <- rbinom(n, 1, .3)
d$sales[c(4, 50, 77)] <- NA
d <- rbind(d, data.frame(stratum = "lonely", psu = 1, size = "small", weight = 2.5, sales = 9.75, exports = 1))
write.csv(d, "sample.csv", row.names = FALSE, na = "")
rows <- list()
add <- function(case, what, group, column, fit, df) {
  ci <- confint(fit, df = df)
  rows[[length(rows) + 1]] <<- data.frame(case = case, what = what, group = group, column = column,
    estimate = as.numeric(coef(fit)), standard_error = as.numeric(SE(fit)), low = ci[1], high = ci[2])
}
measure <- function(case, design) {
  df <- degf(design)
  for (column in c("sales", "exports")) {
    f <- as.formula(paste0("~", column))
    add(case, "mean", "", column, svymean(f, design, na.rm = TRUE), df)
    add(case, "total", "", column, svytotal(f, design, na.rm = TRUE), df)
    for (g in c("large", "small")) {
      sub <- subset(design, size == g)
      by <- svyby(f, ~size, design, svymean, na.rm = TRUE)
      fit <- svymean(f, sub, na.rm = TRUE)
      stopifnot(abs(SE(by)[by$size == g] - as.numeric(SE(fit))) < 1e-12)
      add(case, "mean", g, column, fit, df)
      add(case, "total", g, column, svytotal(f, sub, na.rm = TRUE), df)
    }
  }
}
full <- d[d$stratum != "lonely", ]
measure("strata, psu, weights", svydesign(~psu, strata = ~stratum, weights = ~weight, data = full, nest = TRUE))
measure("strata, weights", svydesign(~1, strata = ~stratum, weights = ~weight, data = full))
measure("psu, weights", svydesign(~psu, weights = ~weight, data = full))
measure("weights", svydesign(~1, weights = ~weight, data = full))
measure("nothing", svydesign(~1, weights = ~1, data = full))
options(survey.lonely.psu = "certainty")
measure("lonely", svydesign(~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE))
options(digits = 17)
write.csv(do.call(rbind, rows), "expected.csv", row.names = FALSE)
