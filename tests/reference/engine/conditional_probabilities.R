# After a joint probit: the probability of an outcome given others, its averages and their errors; and
# trivariate and quadrivariate normal probabilities of any size.
source("common.R")
suppressPackageStartupMessages({library(statmod); library(mvtnorm)})
joint <- fromJSON("joint.json")
s <- complete(read_sample("balanced"), c("first", "second", "third", "x1", "x2", "d"))
design <- function(s) cbind(Intercept = 1, as.matrix(s[c("x1", "x2", "d")]))
X <- design(s); one <- design(within(s, d <- 1)); zero <- design(within(s, d <- 0))
# slopes in x1 by differences of the probability in its own column
slope <- function(p, b, h = 1e-4) { U <- X; D <- X; U[, "x1"] <- U[, "x1"] + h; D[, "x1"] <- D[, "x1"] - h; (p(U, b) - p(D, b)) / (2 * h) }
averages <- function(p) function(b) c(mean(p(X, b)), mean(slope(p, b)), mean(p(one, b)) - mean(p(zero, b)))
labels <- c("prediction", "dy/dx1", "d: 1 - 0")
by_delta <- function(case, given, rows) {
  V <- joint[[case]]$vcov$classical; b <- joint[[case]]$coef; f <- averages(given); G <- jacobian(f, b, method = "Richardson")
  list(case = case, labels = labels, estimate = f(b), se = sqrt(diag(G %*% V %*% t(G))), first_ten_rows = given(X, b)[1:10])
}
rule <- gauss.quad(48, "legendre")
# Phi_2 by integrating the conditional probability over the first coordinate, checked against TVPACK below
phi2 <- function(h, k, r) { low <- -9; total <- 0; for (half in 1:2) { from <- low + (half - 1) * (h - low) / 2; to <- from + (h - low) / 2
  for (j in seq_along(rule$nodes)) { x <- (from + to) / 2 + (to - from) / 2 * rule$nodes[j]; total <- total + rule$weights[j] * (to - from) / 2 * dnorm(x) * pnorm((k - r * x) / sqrt(1 - r^2)) } }
  total }
eta <- function(X, b, j) drop(X %*% b[4 * (j - 1) + 1:4])
both <- function(X, b) phi2(eta(X, b, 1), eta(X, b, 2), tanh(b[9]))
two <- "joint_probit2:same:balanced"; three <- "joint_probit3:balanced"
b2 <- joint[[two]]$coef; for (i in 1:20) close_to(both(X[i, , drop = FALSE], b2), as.numeric(pmvnorm(upper = c(eta(X[i, , drop = FALSE], b2, 1), eta(X[i, , drop = FALSE], b2, 2)), corr = matrix(c(1, tanh(b2[9]), tanh(b2[9]), 1), 2), algorithm = TVPACK(abseps = 1e-15))), 1e-12, "TVPACK")
cases <- list(
  "first=1 | second=1" = by_delta(two, function(X, b) both(X, b) / pnorm(eta(X, b, 2))),
  "second=1 | first=0" = by_delta(two, function(X, b) (pnorm(eta(X, b, 2)) - both(X, b)) / pnorm(-eta(X, b, 1))),
  "first=1, second=0" = by_delta(two, function(X, b) pnorm(eta(X, b, 1)) - both(X, b)))
# of three outcomes at the estimates, row by row
R <- diag(3); R[upper.tri(R)] <- joint[[three]]$coef[13:15]; R <- R + t(R) - diag(3); b3 <- joint[[three]]$coef
trivariate <- function(q) vapply(1:10, function(i) { e <- vapply(1:3, function(j) eta(X[i, , drop = FALSE], b3, j), 0) * q
  as.numeric(pmvnorm(upper = e, corr = R * outer(q, q), algorithm = TVPACK(abseps = 1e-15))) }, 0)
cases[["first=1 | second=1, third=0"]] <- list(case = three, first_ten_rows = trivariate(c(1, 1, -1)) / (trivariate(c(1, 1, -1)) + trivariate(c(-1, 1, -1))))
cases[["third=1 | first=0"]] <- list(case = three, first_ten_rows = (trivariate(c(-1, 1, 1)) + trivariate(c(-1, -1, 1))) / pnorm(-eta(X[1:10, ], b3, 1)))
for (name in names(cases)) { case <- cases[[name]]; case$program <- "Gauss-Legendre, checked against mvtnorm TVPACK; numDeriv (R)"; cases[[name]] <- case }
write(toJSON(cases, digits = 15, auto_unbox = TRUE, pretty = FALSE), "conditional_probabilities.json")

tvpack <- function(b, S) as.numeric(pmvnorm(upper = b, corr = S, algorithm = TVPACK(abseps = 1e-15)))
# Phi_4 by integrating TVPACK's Phi_3 over the first coordinate; Miwa's own error is up to some 1e-7
phi4 <- function(b, S) { from <- min(b[1], 0) - 8.5; cuts <- seq(from, min(b[1], 8.5), length.out = 5); total <- 0; s <- sqrt(1 - S[1, -1]^2)
  C <- (S[-1, -1] - outer(S[1, -1], S[1, -1])) / outer(s, s)
  for (panel in 1:4) for (j in seq_along(rule$nodes)) { h <- (cuts[panel + 1] - cuts[panel]) / 2; x <- (cuts[panel] + cuts[panel + 1]) / 2 + h * rule$nodes[j]
    total <- total + rule$weights[j] * h * dnorm(x) * tvpack((b[-1] - S[1, -1] * x) / s, C) }
  total }
set.seed(20041113); rows <- list()
for (spread in c(0.7, 1.5, 2.5)) for (tilt in c(0.3, 0.8, 1.3)) for (i in 1:4) for (d in 3:4) {
  z <- tanh(rnorm(d * (d - 1) / 2) * tilt); L <- diag(d); n <- 0
  for (j in 2:d) for (k in seq_len(j - 1)) { n <- n + 1; L[j, k] <- z[n] * sqrt(1 - sum(L[j, seq_len(k - 1)]^2)) }
  for (j in 2:d) L[j, j] <- sqrt(1 - sum(L[j, seq_len(j - 1)]^2))
  S <- L %*% t(L); b <- rnorm(d) * spread
  p <- if (d == 3) tvpack(b, S) else phi4(b, S)
  if (d == 4) close_to(p, as.numeric(pmvnorm(upper = b, corr = S, algorithm = Miwa(steps = 1024))), 1e-6, "Miwa")
  # r21, r31, r32, r41, ...
  r <- t(S)[upper.tri(S)]; rows[[length(rows) + 1]] <- c(d, b, rep(NA, 4 - d), r, rep(NA, 6 - length(r)), p)
}
frame <- as.data.frame(do.call(rbind, rows)); names(frame) <- c("d", paste0("b", 1:4), "r21", "r31", "r32", "r41", "r42", "r43", "p")
write.csv(format(frame, digits = 17), "multivariate_normal.csv", row.names = FALSE, quote = FALSE)
cat(R.version.string, "\n")
