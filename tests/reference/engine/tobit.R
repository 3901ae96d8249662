# Tobit of the continuous outcome censored below at zero: pooled and with unit means against survreg, random and
# correlated effects by adaptive quadrature. sigma is reported, log sigma estimated.
source("common.R"); source("quadrature.R")
suppressPackageStartupMessages(library(survival))
rhs <- c("x1", "x2", "d"); points <- 12
ways <- function(s) list(unit = s["unit"], region = s["region"], "region+time" = s[c("region", "time")], "region+industry+time" = s[c("region", "industry", "time")])
for (effects in c("pooled", "random", "correlated", "correlated_pooled")) for (tag in c("balanced", "unbalanced", "unbalanced:weighted")) {
  data <- sub(":.*", "", tag); weighted <- data != tag; correlated <- startsWith(effects, "correlated"); random <- effects %in% c("random", "correlated")
  s <- complete(read_sample(data), c("continuous", rhs)); s$y <- pmax(s$continuous, 0); s$w <- if (weighted) s$weight else 1; X <- rhs
  # Mundlak's unit means over the estimation sample, unweighted
  if (correlated) { for (x in rhs) s[[paste0(x, "_mean")]] <- ave(s[[x]], s$unit); X <- c(X, paste0(rhs, "_mean")) }
  design <- function(t) cbind(1, as.matrix(t[X])); model <- function(t) tobit_model(t$y, design(t))
  g <- survreg(as.formula(paste("Surv(y, y > 0, type = 'left') ~", paste(X, collapse = "+"))), s, weights = w, dist = "gaussian", control = survreg.control(rel.tolerance = 1e-14, maxiter = 100))
  fit <- maximise(model(s), c(unname(coef(g)), log(g$scale)), s$w)
  close_to(fit$coef, c(coef(g), log(g$scale)), 1e-8, "survreg"); close_to(fit$loglik, g$loglik[2], 1e-12, "survreg's log likelihood")
  close_to(solve(-fit$H), vcov(g), 1e-6, "survreg's covariance")
  loglik_pooled <- fit$loglik; names <- c("Intercept", X, "sigma"); at <- length(names)   # where log sigma stands
  if (random) { fit <- fit_random(random_model(s$y, design(s), s$unit, "tobit", "probit", points), c(fit$coef, 0.8), if (weighted) s$weight[!duplicated(s$unit)] else 1); names <- c(names, "sd") }
  natural <- function(b) { b[at] <- exp(b[at]); b }
  J <- rep(1, length(names)); J[at] <- exp(fit$coef[at]); S <- sweep(fit$scores, 2, J, "/"); H <- fit$H / outer(J, J)
  V <- if (random) grouped_covariances(S, H, unique(s$unit), s, nrow(s)) else covariances(S, H, ways(s))
  if (!random && weighted) V$survey <- survey_covariance(S, H, s$stratum, s$psu)
  if (!random && data == "unbalanced") V[["CRV3:region"]] <- jackknife(natural(fit$coef), s$region, function(keep) { t <- s[keep, ]; natural(maximise(model(t), fit$coef, t$w)$coef) })
  extra <- if (random) list(groups = length(unique(s$unit)), points = points, intraclass_correlation = fit$coef[at + 1]^2 / (fit$coef[at + 1]^2 + exp(2 * fit$coef[at])), loglik_pooled = loglik_pooled)
  do.call(add_case, c(list(paste(c("tobit", effects, tag, if (random) points), collapse = ":"), if (random) "own adaptive Gauss-Hermite (R)" else "survival::survreg (R); likelihood maximised a second time by Newton",
    paste("pmax(continuous, 0) ~", paste(X, collapse = "+"), if (weighted) ", weights=weight"), data, names, natural(fit$coef), fit$loglik, nrow(s), V, gradient = fit$gradient), extra))
  cat(effects, tag, format(fit$loglik), fit$gradient, "\n")
}
cat(version_of("R", "survival", "statmod", "numDeriv"), "\n")
write_cases("tobit.json")
