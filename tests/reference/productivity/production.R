# Production functions written out plainly in R on firms.csv (simulated by firms.py); writes production.csv.
# Run from the root of the repository: Rscript tests/reference/productivity/production.R
# First stages by lm on raw polynomials, second stages by Newton steps on the moments, probit by glm,
# Wooldridge's system by matrix algebra, clustered errors by sandwich::vcovCL.
suppressMessages(library(sandwich))
here <- "tests/reference/productivity"
d <- read.csv(file.path(here, "firms.csv"))
for (v in c("value_added_usd", "sales_usd", "employment", "capital_usd", "materials_usd", "investment_usd"))
  d[[substr(v, 1, 1)]] <- log(d[[v]])
# v value added, s sales, e employment, c capital, m materials, i investment
back <- function(by) match(paste(d$firm_id, d$year - by), paste(d$firm_id, d$year))
lag1 <- back(1); lag2 <- back(2)
last <- ave(d$year, d$firm_id, FUN = max)
d$stays <- !(d$year == last & d$year < max(d$year))
rows <- which(!is.na(lag1))
out <- list()
keep <- function(case, b, se = NA) {
  out[[length(out) + 1]] <<- data.frame(case = case, input = names(b), estimate = sprintf("%.15g", b),
                                        std_error = sprintf("%.15g", se))
}
powers <- function(m, degree = 3) {   # every monomial up to the degree, without the constant
  e <- expand.grid(rep(list(0:degree), ncol(m)))
  e <- e[rowSums(e) > 0 & rowSums(e) <= degree, , drop = FALSE]
  m <- scale(m)
  apply(e, 1, function(p) apply(t(t(m)^p), 1, prod))
}

# 1. least squares and fixed effects, errors clustered by firm
ols <- lm(v ~ e + c, d)
keep("ols", coef(ols)[-1], sqrt(diag(vcovCL(ols, ~firm_id, type = "HC1")))[-1])
olsy <- lm(v ~ e + c + factor(year), d)
keep("ols_years", coef(olsy)[2:3], sqrt(diag(vcovCL(olsy, ~firm_id, type = "HC1")))[2:3])
# firms seen once are dropped first, as reghdfe and fixest do
several <- d[ave(d$year, d$firm_id, FUN = length) > 1, ]
fe <- lm(v ~ e + c + factor(firm_id), several)
G <- length(unique(several$firm_id)); N <- nrow(several)
V <- vcovCL(fe, ~firm_id, type = "HC0", cadjust = FALSE)[2:3, 2:3]
# firm effects are nested in the clusters and do not count: K is two inputs and the constant
keep("fixed_effects", coef(fe)[2:3], sqrt(diag(V) * G / (G - 1) * (N - 1) / (N - 3)))

# 2. second stage: one moment for each late input
second <- function(phi, x, z, survival = NULL, starts = NULL) {
  moment <- function(theta) {
    omega <- phi - as.matrix(x) %*% theta
    now <- omega[rows]; before <- omega[lag1[rows]]
    g <- if (is.null(survival)) lm(now ~ before + I(before^2) + I(before^3)) else {
      p <- survival[lag1[rows]]
      lm(now ~ before + I(before^2) + I(before^3) + p + I(p^2) + I(p^3) +
           I(before * p) + I(before^2 * p) + I(before * p^2))
    }
    colMeans(as.matrix(z) * resid(g))
  }
  solutions <- list()
  k <- ncol(x)
  if (is.null(starts))
    starts <- lapply(c(0.3, 0.5, 0.7, 0.9), function(share)
      if (k == 1) 1 - share else c(rep(share / (k - 1), k - 1), 1 - share))
  for (theta in starts) {
    for (step in 1:200) {
      f <- moment(theta)
      J <- sapply(seq_len(k), function(j) { h <- replace(numeric(k), j, 1e-6)
        (moment(theta + h) - moment(theta - h)) / 2e-6 })
      delta <- solve(matrix(J, k), f)
      delta <- delta / max(1, sqrt(sum(delta^2)) / 0.2)
      theta <- theta - delta
      if (max(abs(delta)) < 1e-12) break
    }
    if (max(abs(moment(theta))) < 1e-10) solutions[[length(solutions) + 1]] <- theta
  }
  smallest <- sapply(solutions, function(theta) min(theta[1:min(k, 2)]))
  solutions[[which.max(smallest)]]
}
partial <- function(y, linear, control, years = FALSE) {
  P <- powers(control)
  L <- if (is.null(linear)) matrix(0, nrow(d), 0) else as.matrix(linear)
  D <- if (years) model.matrix(~ factor(year), d)[, -1] else matrix(0, nrow(d), 0)
  b <- qr.coef(qr(cbind(1, L, P, D)), y)
  used <- seq(2 + ncol(L), length.out = ncol(P))
  list(beta = if (ncol(L)) b[2:(1 + ncol(L))] else NULL, phi = drop(b[1] + P %*% b[used]))
}

# by residuals, as prodest's gOPLP: the polynomial is fitted to omega, the squares are of y - b e - c theta - g
squares <- function(f, survival = NULL) {
  left <- (d$v - d$e * f$beta)[rows]
  loss <- function(theta) {
    omega <- f$phi - theta * d$c
    before <- omega[lag1[rows]]
    B <- cbind(1, before, before^2, before^3)
    if (!is.null(survival)) { p <- survival[lag1[rows]]
      B <- cbind(B, p, p^2, p^3, before * p, before^2 * p, before * p^2) }
    sum((left - theta * d$c[rows] - B %*% qr.coef(qr(B), omega[rows]))^2)
  }
  optimize(loss, c(-0.5, 1.5), tol = 1e-12)$minimum
}
f <- partial(d$v, d["e"], d[c("c", "m")])
keep("levinsohn_petrin", c(e = unname(f$beta), c = second(f$phi, d["c"], d[rows, "c", drop = FALSE])))
keep("levinsohn_petrin_residuals", c(e = unname(f$beta), c = squares(f)))
f <- partial(d$v, d["e"], d[c("c", "i")])
keep("olley_pakes", c(e = unname(f$beta), c = second(f$phi, d["c"], d[rows, "c", drop = FALSE])))
keep("olley_pakes_residuals", c(e = unname(f$beta), c = squares(f)))
P <- powers(d[c("c", "i")])
probit <- glm(d$stays ~ P, family = binomial("probit"), control = glm.control(epsilon = 1e-14, maxit = 100))
keep("olley_pakes_survival",
     c(e = unname(f$beta), c = second(f$phi, d["c"], d[rows, "c", drop = FALSE], fitted(probit))))
keep("olley_pakes_survival_residuals", c(e = unname(f$beta), c = squares(f, fitted(probit))))
f <- partial(d$v, NULL, d[c("e", "c", "m")])
z <- cbind(e = d$e[lag1[rows]], c = d$c[rows])
keep("ackerberg_caves_frazer", setNames(second(f$phi, d[c("e", "c")], z), c("e", "c")))
f <- partial(d$v, NULL, d[c("e", "c", "m")], years = TRUE)
keep("ackerberg_caves_frazer_years", setNames(second(f$phi, d[c("e", "c")], z), c("e", "c")))

# translog: logs in deviations from their means, so that first-order terms are elasticities there
centred <- function(e, c) { e <- e - mean(d$e); c <- c - mean(d$c); cbind(e, c, ee = e^2, ec = e * c, cc = c^2) }
d[c("te", "tc", "tee", "tec", "tcc")] <- centred(d$e, d$c)
tl <- lm(v ~ te + tc + tee + tec + tcc, d)
keep("ols_translog", setNames(coef(tl)[-1], c("e", "c", "ee", "ec", "cc")),
     sqrt(diag(vcovCL(tl, ~firm_id, type = "HC1")))[-1])
f <- partial(d$v, NULL, d[c("e", "c", "m")])
keep("ackerberg_caves_frazer_translog",
     setNames(second(f$phi, d[c("te", "tc", "tee", "tec", "tcc")], centred(d$e[lag1[rows]], d$c[rows]),
                     starts = lapply(c(0.3, 0.5, 0.7, 0.9), function(s) c(s, 1 - s, 0, 0, 0))),
              c("e", "c", "ee", "ec", "cc")))

# 3. gross output: materials are an input too
f <- partial(d$s, d["e"], d[c("c", "m")])
zg <- cbind(m = d$m[lag1[rows]], c = d$c[rows])
b <- second(f$phi, d[c("m", "c")], zg)
keep("levinsohn_petrin_gross", c(e = unname(f$beta), m = b[1], c = b[2]))

# 4. Wooldridge: two equations, two-step GMM, clustered by firm
wooldridge <- function(case, y, free, gross) {
  P <- cbind(1, powers(d[c("c", "m")]))
  r <- which(!is.na(lag1) & (!gross | !is.na(lag2))); b <- lag1[r]
  inputs <- c(free, if (gross) "m", "c")
  X1 <- as.matrix(d[inputs]); X1[, setdiff(inputs, free)] <- 0
  Z1 <- cbind(as.matrix(d[free]), P)
  Z2 <- cbind(as.matrix(d[b, free, drop = FALSE]), d$c[r], if (gross) d$m[lag2[r]], P[b, ])
  n1 <- nrow(d); n2 <- length(r); q <- ncol(P)
  X <- rbind(cbind(X1, P, matrix(0, n1, q)), cbind(as.matrix(d[r, inputs]), matrix(0, n2, q), P[b, ]))
  Z <- rbind(cbind(Z1, matrix(0, n1, ncol(Z2))), cbind(matrix(0, n2, ncol(Z1)), Z2))
  Y <- c(d[[y]], d[[y]][r]); firm <- c(d$firm_id, d$firm_id[r])
  fit <- function(W) solve(t(X) %*% Z %*% W %*% t(Z) %*% X, t(X) %*% Z %*% W %*% t(Z) %*% Y)
  S <- function(beta) crossprod(rowsum(Z * drop(Y - X %*% beta), firm))
  W1 <- solve(crossprod(Z)); b1 <- fit(W1)
  W2 <- solve(S(b1)); b2 <- fit(W2)
  B <- solve(t(X) %*% Z %*% W2 %*% t(Z) %*% X) %*% t(X) %*% Z %*% W2
  se <- sqrt(diag(B %*% S(b2) %*% t(B)))
  k <- seq_along(inputs)
  keep(case, setNames(b2[k], inputs), se[k])
}
wooldridge("wooldridge", "v", "e", FALSE)
wooldridge("wooldridge_gross", "s", "e", TRUE)

table <- do.call(rbind, out)
table$input <- c(e = "employment", c = "capital_usd", m = "materials_usd", ee = "employment x employment",
                 ec = "employment x capital_usd", cc = "capital_usd x capital_usd")[table$input]
write.csv(table, file.path(here, "production.csv"), row.names = FALSE, quote = FALSE)
cat(R.version.string, "\n"); print(table)
