# Time lme4's three-level logit. Usage: Rscript levels.R FILE, the CSV that levels.py writes.
# Prints one JSON object: seconds of the fit (reading not counted) and its log likelihood.
suppressPackageStartupMessages({library(jsonlite); library(lme4)})
frame <- read.csv(commandArgs(TRUE)[1], stringsAsFactors = TRUE, na.strings = "", colClasses = c(ord = "factor"))
time <- suppressWarnings(system.time(fit <- glmer(
  immun ~ kid2p + mom25p + ord + ethn + momEd + husEd + momWork + rural + pcInd81 + (1 | comm/mom), frame, binomial,
  control = glmerControl(optimizer = "bobyqa"))))
cat(toJSON(list(seconds = time[["elapsed"]], loglik = as.numeric(logLik(fit))), auto_unbox = TRUE, digits = NA), "\n")
