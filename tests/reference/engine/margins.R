# Average marginal effects and their delta-method errors. Derivatives in regressors are analytic, derivatives of
# the averages in the parameters are Richardson differences (about ten digits). Averages are over the estimation
# sample, weighted by the sampling weight where there is one; dummies move from 0 to 1.
source("common.R")
suppressPackageStartupMessages({library(statmod); library(pbivnorm)})
rhs <- c("x1", "x2", "d", "gb", "gc")
delta <- function(id, f, b, Vs, labels, ...) {
  J <- jacobian(f, b); value <- f(b); stopifnot(length(value) == length(labels))
  cases[[id]] <<- c(list(labels = labels, estimate = value, se = lapply(Vs, function(V) sqrt(diag(J %*% V %*% t(J))))), list(...))
}
with_columns <- function(X, ...) { v <- list(...); for (n in names(v)) X[, n] <- v[[n]]; X }
moves <- list("d: 1 - 0" = list(c(d = 1), c(d = 0)), "g: b - a" = list(c(gb = 1, gc = 0), c(gb = 0, gc = 0)), "g: c - a" = list(c(gb = 0, gc = 1), c(gb = 0, gc = 0)))
place <- function(X, at) { for (n in names(at)) X[, n] <- at[[n]]; X }
two <- function(fit, s) { V <- covariances(fit$scores, fit$H, list(unit = s["unit"])); V[c("classical", "CRV1:unit", "CRV1_ml:unit")] }

for (data in c("balanced", "unbalanced")) { weighted <- data == "unbalanced"
  prepare <- function(response) { s <- complete(read_sample(data), c(response, rhs)); s$y <- s[[response]]; s$w <- if (weighted) s$weight else 1; s }
  tag <- if (weighted) "unbalanced:weighted" else data
  # one index: probability, or the mean of the count
  for (response in c("logit", "probit", "cloglog", "poisson", "fractional_logit")) { s <- prepare(switch(response, cloglog = "event", poisson = "count", fractional_logit = "fraction", "binary"))
    link <- sub("fractional_", "", response); X <- cbind(Intercept = 1, as.matrix(s[rhs])); average <- function(v) sum(s$w * v) / sum(s$w)
    F <- if (response == "poisson") exp else link_parts(link)$F; f <- if (response == "poisson") exp else link_parts(link)$f
    fit <- maximise(if (response == "poisson") poisson_model(s$y, X) else binary_model(s$y, X, link), c(if (response == "poisson") log(mean(s$y)) else 0, rep(0, 5)), s$w); V <- two(fit, s)
    change <- function(X, b, m) F(drop(place(X, m[[1]]) %*% b)) - F(drop(place(X, m[[2]]) %*% b))
    delta(paste(response, tag, "average", sep = ":"), function(b) c(average(f(drop(X %*% b))) * b[2:3], sapply(moves, function(m) average(change(X, b, m)))), fit$coef, V, c("dy/dx1", "dy/dx2", names(moves)), coef = fit$coef)
    M <- matrix(apply(X, 2, average), 1, dimnames = list(NULL, colnames(X)))
    delta(paste(response, tag, "at_means", sep = ":"), function(b) c(f(drop(M %*% b)) * b[2:3], sapply(moves, function(m) change(M, b, m))), fit$coef, V, c("dy/dx1", "dy/dx2", names(moves)))
    delta(paste(response, tag, "prediction_at_x1", sep = ":"), function(b) sapply(-1:1, function(v) average(F(drop(place(X, c(x1 = v)) %*% b)))), fit$coef, V, c("x1=-1", "x1=0", "x1=1"))
    delta(paste(response, tag, "slope_at_x1", sep = ":"), function(b) sapply(-1:1, function(v) average(f(drop(place(X, c(x1 = v)) %*% b)) * b[2])), fit$coef, V, c("x1=-1", "x1=0", "x1=1"))
    delta(paste(response, tag, "prediction_by_g", sep = ":"), function(b) sapply(list(c(gb = 0, gc = 0), c(gb = 1, gc = 0), c(gb = 0, gc = 1)), function(a) average(F(drop(place(X, a) %*% b)))), fit$coef, V, c("a", "b", "c"))
    # interactions: dummy by continuous, and dummy by category; effects on the response scale
    Z <- function(X) cbind(X, "x1:d" = X[, "x1"] * X[, "d"], "d:gb" = X[, "d"] * X[, "gb"], "d:gc" = X[, "d"] * X[, "gc"]); Zs <- Z(X)
    fit <- maximise(if (response == "poisson") poisson_model(s$y, Zs) else binary_model(s$y, Zs, link), c(fit$coef, 0, 0, 0), s$w); V <- two(fit, s); at <- function(b, a) drop(Z(place(X, a)) %*% b)
    slope <- function(b, v) average(f(at(b, c(d = v))) * (b[2] + v * b[7])); step <- function(b, gb, gc) average(F(at(b, c(d = 1, gb = gb, gc = gc))) - F(at(b, c(d = 0, gb = gb, gc = gc))))
    delta(paste(response, tag, "interaction", sep = ":"), function(b) c(slope(b, 0), slope(b, 1), slope(b, 1) - slope(b, 0), step(b, 0, 0), step(b, 1, 0), step(b, 0, 1), step(b, 1, 0) - step(b, 0, 0), step(b, 0, 1) - step(b, 0, 0)), fit$coef, V,
      c("dy/dx1 | d=0", "dy/dx1 | d=1", "second difference x1 by d", "d | g=a", "d | g=b", "d | g=c", "second difference d by g: b - a", "second difference d by g: c - a"), formula = "x1*d + x2 + d*g", names = colnames(Zs), coef = fit$coef) }
  # ordered: every category
  for (link in c("logit", "probit")) { s <- prepare("ordered"); X <- as.matrix(s[rhs]); average <- function(v) sum(s$w * v) / sum(s$w); p <- link_parts(link)
    fit <- maximise(ordered_model(s$y, X, link), c(rep(0, 5), -1, 0, 1), s$w); V <- two(fit, s)
    prob <- function(X, b, j) { e <- drop(X %*% b[1:5]); c <- c(-Inf, b[6:8], Inf); p$F(c[j + 1] - e) - p$F(c[j] - e) }; dens <- function(X, b, j) { e <- drop(X %*% b[1:5]); c <- c(-Inf, b[6:8], Inf); (if (j > 1) p$f(c[j] - e) else 0) - (if (j < 4) p$f(c[j + 1] - e) else 0) }
    delta(paste0("ordered_", link, ":", tag, ":average"), function(b) unlist(lapply(1:4, function(j) c(average(dens(X, b, j)) * b[1:2], sapply(moves, function(m) average(prob(place(X, m[[1]]), b, j) - prob(place(X, m[[2]]), b, j)))))), fit$coef, V,
      paste0(rep(1:4, each = 5), ": ", c("dy/dx1", "dy/dx2", names(moves))), coef = fit$coef)
    delta(paste0("ordered_", link, ":", tag, ":prediction_by_g"), function(b) unlist(lapply(1:4, function(j) sapply(list(c(gb = 0, gc = 0), c(gb = 1, gc = 0), c(gb = 0, gc = 1)), function(a) average(prob(place(X, a), b, j))))), fit$coef, V, paste0(rep(1:4, each = 3), ": ", c("a", "b", "c"))) }
  # multinomial: every category
  s <- prepare("choice"); X <- cbind(Intercept = 1, as.matrix(s[rhs])); average <- function(v) sum(s$w * v) / sum(s$w); fit <- maximise(multinomial_model(s$y, X), rep(0, 12), s$w); V <- two(fit, s)
  prob <- function(X, b) { e <- exp(cbind(0, X %*% matrix(b, 6, 2))); e / rowSums(e) }
  slopes <- function(b, k) { B <- cbind(0, matrix(b, 6, 2))[k, ]; P <- prob(X, b); sapply(1:3, function(j) average(P[, j] * (B[j] - drop(P %*% B)))) }
  delta(paste("multinomial_logit", tag, "average", sep = ":"), function(b) c(t(cbind(slopes(b, 2), slopes(b, 3), sapply(moves, function(m) apply(prob(place(X, m[[1]]), b) - prob(place(X, m[[2]]), b), 2, average))))), fit$coef, V,
    paste0(rep(0:2, each = 5), ": ", c("dy/dx1", "dy/dx2", names(moves))), coef = fit$coef)
}
# random effects: probabilities averaged over the normal effect (64-point Gauss-Hermite) and over the sample
random <- c(fromJSON("random_binary.json"), fromJSON("random_ordered.json")); rule <- gauss.quad.prob(64, "normal"); s <- read_sample("balanced")
for (response in c("logit", "probit", "cloglog", "poisson", "ordered_logit", "ordered_probit")) { case <- random[[paste0(response, ":random:balanced:12")]]; b0 <- case$coef; K <- length(b0); Vs <- list(classical = case$vcov$classical, "CRV0:unit" = case$vcov[["CRV0:unit"]])
  ordered <- startsWith(response, "ordered"); link <- sub("ordered_", "", response); X <- as.matrix(s[c("x1", "x2", "d")]); if (!ordered) X <- cbind(Intercept = 1, X)
  integrate_out <- function(g, e, sd) { total <- 0; for (k in seq_along(rule$nodes)) total <- total + rule$weights[k] * g(e + sd * rule$nodes[k]); total }
  if (!ordered) { F <- if (response == "poisson") exp else link_parts(link)$F; f <- if (response == "poisson") exp else link_parts(link)$f; k <- ncol(X)
    delta(paste0(response, ":random:balanced:12:population_averaged"), function(b) { m <- function(g, X) mean(integrate_out(g, drop(X %*% b[1:k]), b[K]))
      c(m(f, X) * b[2:3], m(F, place(X, c(d = 1))) - m(F, place(X, c(d = 0))), m(F, X)) }, b0, Vs, c("dy/dx1", "dy/dx2", "d: 1 - 0", "prediction"))
    delta(paste0(response, ":random:balanced:12:effect_zero"), function(b) { m <- function(g, X) mean(g(drop(X %*% b[1:k]))); c(m(f, X) * b[2:3], m(F, place(X, c(d = 1))) - m(F, place(X, c(d = 0))), m(F, X)) }, b0, Vs, c("dy/dx1", "dy/dx2", "d: 1 - 0", "prediction"))
  } else { p <- link_parts(link)
    delta(paste0(response, ":random:balanced:12:population_averaged"), function(b) { c <- base::c(-Inf, b[4:6], Inf); e <- function(X) drop(X %*% b[1:3])
      prob <- function(X, j) mean(integrate_out(function(v) p$F(c[j + 1] - v) - p$F(c[j] - v), e(X), b[K])); dens <- function(j) mean(integrate_out(function(v) (if (j > 1) p$f(c[j] - v) else 0) - (if (j < 4) p$f(c[j + 1] - v) else 0), e(X), b[K]))
      unlist(lapply(1:4, function(j) base::c(dens(j) * b[1:2], prob(place(X, base::c(d = 1)), j) - prob(place(X, base::c(d = 0)), j), prob(X, j)))) }, b0, Vs, paste0(rep(1:4, each = 4), ": ", c("dy/dx1", "dy/dx2", "d: 1 - 0", "prediction"))) } }
# bivariate probit: the four cells and the marginal probability of the first outcome
joint <- fromJSON("joint.json")[["joint_probit2:same:balanced"]]; X <- cbind(Intercept = 1, as.matrix(s[c("x1", "x2", "d")]))
cells <- function(X, b) { e1 <- drop(X %*% b[1:4]); e2 <- drop(X %*% b[5:8]); r <- tanh(b[9]); cbind("11" = pbivnorm(e1, e2, r), "10" = pbivnorm(e1, -e2, -r), "01" = pbivnorm(-e1, e2, -r), "00" = pbivnorm(-e1, -e2, r)) }
slope11 <- function(b, k) { e1 <- drop(X %*% b[1:4]); e2 <- drop(X %*% b[5:8]); r <- tanh(b[9]); q <- sqrt(1 - r^2); A <- dnorm(e1) * pnorm((e2 - r * e1) / q); C <- dnorm(e2) * pnorm((e1 - r * e2) / q); m1 <- dnorm(e1) * b[k]; m2 <- dnorm(e2) * b[4 + k]
  p11 <- A * b[k] + C * b[4 + k]; colMeans(cbind(p11, m1 - p11, m2 - p11, p11 - m1 - m2)) }
delta("joint_probit2:same:balanced:average", function(b) c(slope11(b, 2), slope11(b, 3), colMeans(cells(place(X, c(d = 1)), b) - cells(place(X, c(d = 0)), b)), mean(dnorm(drop(X %*% b[1:4]))) * b[2]), joint$coef, list(classical = joint$vcov$classical, "CRV0:unit" = joint$vcov[["CRV0:unit"]]),
  c(paste("dP/dx1", c("11", "10", "01", "00")), paste("dP/dx2", c("11", "10", "01", "00")), paste("d: 1 - 0", c("11", "10", "01", "00")), "dP(first=1)/dx1"))
write_cases("margins.json")
