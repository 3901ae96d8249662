# Poisson with gamma unit effects by hand, for tests/models/effects/test_gamma.py; run in this folder: Rscript gamma.R.
# The likelihood of a unit is integrated numerically over the gamma density and compared with its closed form, which
# is then maximised; errors are from a Hessian by differences (numDeriv), those by unit from scores by differences.
suppressMessages({library(numDeriv); library(jsonlite)})
fit <- function(d, weights = NULL, offset = 0) {
  X <- cbind(1, d$x1, d$d); y <- d$count; unit <- factor(d$unit); off <- offset
  w <- if (is.null(weights)) rep(1, nlevels(unit)) else tapply(weights, unit, `[`, 1)
  by_unit <- function(p) {
    theta <- exp(-p[4]); eta <- drop(X %*% p[1:3]) + off; mu <- exp(eta)
    Y <- tapply(y, unit, sum); M <- tapply(mu, unit, sum)
    lgamma(theta + Y) - lgamma(theta) + theta * log(theta) - (theta + Y) * log(theta + M) +
      tapply(y * eta - lgamma(y + 1), unit, sum)
  }
  total <- function(p) sum(w * by_unit(p))
  begin <- c(coef(glm(y ~ X - 1 + offset(rep(off, length.out = length(y))), poisson())), 0)
  best <- nlminb(begin, function(p) -total(p), control = list(rel.tol = 1e-14, iter.max = 500, eval.max = 2000))$par
  for (i in 1:6) best <- best - drop(solve(hessian(total, best), grad(total, best)))
  H <- -hessian(total, best); B <- solve(H); S <- jacobian(by_unit, best) * as.numeric(w)
  G <- nlevels(unit); N <- length(y)
  some <- levels(unit)[1:5]; theta <- exp(-best[4])
  numeric <- sapply(some, function(u) {
    r <- unit == u; mu <- exp(drop(X[r, , drop = FALSE] %*% best[1:3]) + (if (length(off) > 1) off[r] else off))
    log(integrate(function(a) sapply(a, function(v) prod(dpois(y[r], v * mu)) * dgamma(v, theta, theta)), 0, Inf,
      rel.tol = 1e-10)$value)
  })
  stopifnot(max(abs(numeric - by_unit(best)[some])) < 1e-7)
  list(coef = best, loglik = total(best), se = sqrt(diag(B)),
       crv1 = sqrt(diag(G / (G - 1) * (N - 1) / (N - 4) * B %*% crossprod(S) %*% B)))
}
b <- read.csv("../engine/data/balanced.csv"); u <- read.csv("../engine/data/unbalanced.csv")
u <- u[complete.cases(u[c("count", "x1", "d", "unit")]), ]
out <- list(balanced = fit(b), unbalanced = fit(u), offset = fit(b, offset = .3 * b$x2),
            weighted = fit(b, weights = 1 + b$unit %% 3))
writeLines(toJSON(out, digits = 15, pretty = TRUE), "gamma.json")
