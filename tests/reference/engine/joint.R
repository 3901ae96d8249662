# Joint probits: bivariate and trivariate by maximum likelihood, quadrivariate at given parameters.
source("common.R")
suppressPackageStartupMessages({library(pbivnorm); library(mvtnorm); library(statmod)})
rule <- gauss.quad(48, "legendre")
phi2 <- function(x, y, r) exp(-(x^2 - 2 * r * x * y + y^2) / (2 * (1 - r^2))) / (2 * pi * sqrt(1 - r^2))
# Phi_3 by integrating the conditional bivariate probability over the first coordinate
pnorm3 <- function(a, b, c, r12, r13, r23) {
  low <- pmin(a, 0) - 8.5; total <- 0; s2 <- sqrt(1 - r12^2); s3 <- sqrt(1 - r13^2); r <- (r23 - r12 * r13) / (s2 * s3)
  for (half in 1:2) { from <- if (half == 1) low else (low + a) / 2; to <- if (half == 1) (low + a) / 2 else a
    for (j in seq_along(rule$nodes)) { x <- (from + to) / 2 + (to - from) / 2 * rule$nodes[j]
      total <- total + rule$weights[j] * (to - from) / 2 * dnorm(x) * pbivnorm((b - r12 * x) / s2, (c - r13 * x) / s3, r) } }
  total
}
trivariate_model <- function(Y, X) {   # same regressors; last parameters rho12, rho13, rho23
  k <- ncol(X); Q <- 2 * as.matrix(Y) - 1
  at <- function(b) { W <- Q * (X %*% matrix(b[1:(3 * k)], k)); r <- b[3 * k + 1:3]
    list(W = W, r = cbind(Q[, 1] * Q[, 2] * r[1], Q[, 1] * Q[, 3] * r[2], Q[, 2] * Q[, 3] * r[3])) }
  prob <- function(a) pnorm3(a$W[, 1], a$W[, 2], a$W[, 3], a$r[, 1], a$r[, 2], a$r[, 3])
  margin <- function(x, y, z, rxy, rxz, ryz) { sy <- sqrt(1 - rxy^2); sz <- sqrt(1 - rxz^2)
    dnorm(x) * pbivnorm((y - rxy * x) / sy, (z - rxz * x) / sz, (ryz - rxy * rxz) / (sy * sz)) }
  pair <- function(x, y, z, rxy, rxz, ryz) { mean <- ((rxz - ryz * rxy) * x + (ryz - rxz * rxy) * y) / (1 - rxy^2)
    v <- 1 - (rxz^2 + ryz^2 - 2 * rxy * rxz * ryz) / (1 - rxy^2); phi2(x, y, rxy) * pnorm((z - mean) / sqrt(v)) }
  list(logl = function(b) log(prob(at(b))), score = function(b) { a <- at(b); P <- prob(a); W <- a$W; r <- a$r
    g <- cbind(margin(W[, 1], W[, 2], W[, 3], r[, 1], r[, 2], r[, 3]), margin(W[, 2], W[, 1], W[, 3], r[, 1], r[, 3], r[, 2]), margin(W[, 3], W[, 1], W[, 2], r[, 2], r[, 3], r[, 1]))
    h <- cbind(pair(W[, 1], W[, 2], W[, 3], r[, 1], r[, 2], r[, 3]), pair(W[, 1], W[, 3], W[, 2], r[, 2], r[, 1], r[, 3]), pair(W[, 2], W[, 3], W[, 1], r[, 3], r[, 1], r[, 2]))
    cbind(do.call(cbind, lapply(1:3, function(m) Q[, m] * g[, m] / P * X)), Q[, 1] * Q[, 2] * h[, 1] / P, Q[, 1] * Q[, 3] * h[, 2] / P, Q[, 2] * Q[, 3] * h[, 3] / P) })
}
rhs <- c("x1", "x2", "d")
probit_start <- function(y, X) unname(coef(glm(y ~ X - 1, family = binomial("probit"))))
gretl <- tryCatch(read.table("gretl.txt", sep = "|", stringsAsFactors = FALSE), error = function(e) NULL)
numbers <- function(text) as.numeric(strsplit(trimws(text), "[ ,]+")[[1]])
for (data in c("balanced", "unbalanced")) for (weighted in c(FALSE, TRUE)) {
  if (weighted && data == "balanced") next
  s <- complete(read_sample(data), c("first", "second", "third", rhs)); X <- cbind(1, as.matrix(s[rhs])); tag <- paste0(data, if (weighted) ":weighted"); w <- if (weighted) s$weight else rep(1, nrow(s))
  ways <- list(unit = s["unit"], region = s["region"], "region+time" = s[c("region", "time")])
  biprobit <- function(id, X1, X2, call, check = NULL, crv3 = FALSE) {
    model <- bivariate_model(s[c("first", "second")], list(X1, X2)); start <- c(probit_start(s$first, X1), probit_start(s$second, X2), 0.3); fit <- maximise(model, start, w)
    V <- covariances(fit$scores, fit$H, ways); K <- length(fit$coef)
    if (crv3) V[["CRV3:region"]] <- jackknife(fit$coef, s$region, function(keep) maximise(bivariate_model(s[keep, c("first", "second")], list(X1[keep, ], X2[keep, ])), fit$coef, w[keep])$coef)
    rho <- tanh(fit$coef[K]); se <- sapply(standard_errors(V), function(v) v[K] * (1 - rho^2)); if (!is.null(check)) check(fit, V)
    zero <- sum(w * (binary_model(s$first, X1, "probit")$logl(probit_w(s$first, X1)) + binary_model(s$second, X2, "probit")$logl(probit_w(s$second, X2))))
    add_case(paste("joint_probit2", id, tag, sep = ":"), "pbivnorm + Newton (R), checked against gretl biprobit where gretl can", call, data, c(paste("first", c("Intercept", colnames(X1)[-1]), sep = ":"), paste("second", c("Intercept", colnames(X2)[-1]), sep = ":"), "atanh_rho"),
      fit$coef, fit$loglik, nrow(s), V, rho = rho, se_rho = as.list(se), lr_independence = 2 * (fit$loglik - zero), loglik_independent = zero, gradient = fit$gradient)
  }
  probit_w <- function(y, X) maximise(binary_model(y, X, "probit"), probit_start(y, X), w)$coef
  check <- if (data == "balanced") function(fit, V) { line <- gretl[gretl$V1 == "biprobit:balanced", ]; b <- numbers(line$V4); se <- numbers(line$V5)
    close_to(c(fit$coef[1:8], tanh(fit$coef[9])), c(b[1:8], line$V3), 1e-5, "gretl biprobit"); close_to(fit$loglik, as.numeric(line$V2), 1e-9) }
  biprobit("same", X, X, "biprobit first second ~ x1+x2+d", check, crv3 = !weighted)
  biprobit("own", X, X[, 1:3], "biprobit first ~ x1+x2+d; second ~ x1+x2")
  start <- c(probit_start(s$first, X), probit_start(s$second, X), probit_start(s$third, X), 0.4, -0.1, 0.2)
  model <- trivariate_model(s[c("first", "second", "third")], X); fit <- maximise(model, start, w); V <- covariances(fit$scores, fit$H, ways)
  # a third opinion at the start values: Genz's TVPACK in mvtnorm
  exact <- function(b, Y, rho, m) { Q <- 2 * as.matrix(Y) - 1; W <- Q * (X %*% matrix(b, ncol(X)))
    vapply(seq_len(nrow(W)), function(i) { R <- diag(m); R[upper.tri(R)] <- rho; R <- R + t(R) - diag(m); S <- outer(Q[i, ], Q[i, ]) * R
      log(as.numeric(pmvnorm(upper = W[i, ], sigma = S, algorithm = if (m == 3) TVPACK(abseps = 1e-14) else Miwa(steps = 512)))) }, 0) }
  tv <- exact(start[1:12], s[c("first", "second", "third")], start[13:15], 3); close_to(tv, model$logl(start), 1e-9, "TVPACK")
  add_case(paste0("joint_probit3:", tag), "trivariate probit, Phi_3 by Gauss-Legendre over pbivnorm, checked against mvtnorm TVPACK (R)", "first, second, third ~ x1+x2+d", data, c(paste(rep(c("first", "second", "third"), each = 4), c("Intercept", rhs), sep = ":"), "rho12", "rho13", "rho23"),
    fit$coef, fit$loglik, nrow(s), V, gradient = fit$gradient, at_given = list(parameters = start, loglik = sum(w * tv), first_ten_rows = tv[1:10]))
  if (data == "balanced") { head_rows <- 1:300; given <- c(start[1:12], probit_start(s$fourth, X)); rho <- c(0.5, -0.2, 0.25, 0.3, 0.1, 0.2)   # r12 r13 r23 r14 r24 r34
    keep <- X; X <- X[head_rows, ]; l4 <- exact(given, s[head_rows, c("first", "second", "third", "fourth")], rho, 4); X <- keep
    add_case("joint_probit4:at_given:balanced_first_300_rows", "mvtnorm Miwa, 512 steps (R)", "log likelihood at the given parameters, rows 1-300 of balanced.csv", data, c(paste(rep(c("first", "second", "third", "fourth"), each = 4), c("Intercept", rhs), sep = ":"), "rho12", "rho13", "rho23", "rho14", "rho24", "rho34"),
      c(given, rho), sum(l4), 300, first_ten_rows = l4[1:10]) }
}
if (!is.null(gretl)) for (i in seq_len(nrow(gretl))) add_case(paste0("gretl:", gretl$V1[i]), "gretl 2022c", "gretl.inp", "balanced", rep("as printed", length(numbers(gretl$V4[i]))), numbers(gretl$V4[i]), gretl$V2[i], 1800, rho = gretl$V3[i], se_as_printed = numbers(gretl$V5[i]))
cat(version_of("R", "pbivnorm", "mvtnorm"), "\n")
write_cases("joint.json")
