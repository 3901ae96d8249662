# Time one R competitor of the random-effects models. Usage: Rscript random_effects.R clmm|glmer FILE
#   FILE: CSV with unit, binary, ordered and regressors x1, x2, ...; twelve adaptive quadrature points.
# Prints one JSON object: seconds and processor seconds of the fit (reading not counted), log likelihood and
# slopes, so that equal answers can be checked.
arguments <- commandArgs(TRUE)
suppressPackageStartupMessages({
  library(jsonlite)
  library(switch(arguments[1], clmm = "ordinal", glmer = "lme4"), character.only = TRUE)
})
frame <- read.csv(arguments[2])
frame$unit <- factor(frame$unit)
frame$ordered <- factor(frame$ordered, ordered = TRUE)
right <- paste(paste(grep("^x[0-9]+$", names(frame), value = TRUE), collapse = " + "), "+ (1 | unit)")
time <- suppressWarnings(system.time(fit <- switch(arguments[1],
  clmm = clmm(as.formula(paste("ordered ~", right)), data = frame, nAGQ = 12, Hess = TRUE),
  glmer = glmer(as.formula(paste("binary ~", right)), frame, binomial, nAGQ = 12))))
slopes <- switch(arguments[1], clmm = fit$beta, glmer = fixef(fit)[-1])
cat(toJSON(list(
  seconds = time[["elapsed"]], processor = time[["user.self"]] + time[["sys.self"]],
  loglik = as.numeric(logLik(fit)), slopes = unname(slopes)), auto_unbox = TRUE, digits = NA), "\n")
