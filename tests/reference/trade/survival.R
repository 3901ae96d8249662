# Kaplan-Meier curves by R's survival package, on the spells in survival_spells.csv (simulated there).
# Run from the root of the repository: Rscript tests/reference/trade/survival.R
suppressMessages(library(survival))
here <- "tests/reference/trade"
set.seed(7)
spells <- data.frame(
  market = rep(c("captive", "open"), c(60, 90)),
  duration = c(pmax(1, rgeom(60, 0.15)), pmax(1, rgeom(90, 0.3))),
  ended = runif(150) < 0.7
)
fit <- survfit(Surv(duration, ended) ~ market, data = spells)
fit_all <- summary(fit, censored = TRUE)
out <- data.frame(
  market = sub("market=", "", fit_all$strata), duration = fit_all$time, at_risk = fit_all$n.risk,
  events = fit_all$n.event, survival = sprintf("%.15g", fit_all$surv),
  std_error = sprintf("%.15g", fit_all$std.err), lower = sprintf("%.15g", fit_all$lower),
  upper = sprintf("%.15g", fit_all$upper)
)
write.csv(spells, file.path(here, "survival_spells.csv"), row.names = FALSE, quote = FALSE)
write.csv(out, file.path(here, "survival_curves.csv"), row.names = FALSE, quote = FALSE)
cat(R.version.string, "survival", as.character(packageVersion("survival")), "\n")
