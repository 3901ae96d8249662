# Fernandez-Val & Weidner (2016): logit and probit with unit and time dummies, corrected analytically
# and by the split-panel jackknife; and Firth's logit. Straight from the formulas, with dummies.
#
# With F the distribution, f its density, H = f / (F (1 - F)), omega = H f, and x~ the residual of the
# omega-weighted projection of x on the dummies:
#   W = sum omega x~ x~'
#   b = -1/2 sum_i [ sum_t H f' x~ + 2 sum_{j=1..L} T_i/(T_i-j) sum_{t>j} H_{i,t-j} (y-F)_{i,t-j} omega_it x~_it ] / sum_t omega
#       -1/2 sum_t [ sum_i H f' x~ ] / sum_i omega                     (second line with time effects only)
#   beta corrected = beta - W^-1 b
# Jackknife: 3 beta - mean over halves in time - mean over halves of units (unit and time effects);
#            2 beta - mean over halves in time (unit effects). Units are split in the order of their number.
source("common.R")
suppressPackageStartupMessages(library(brglm2))
X <- c("x1", "x2", "d")
varying <- function(s, time) repeat {   # drop units (and periods) without variation in the outcome
  keep <- ave(s$y, s$unit, FUN = function(v) length(unique(v))) > 1
  if (time) keep <- keep & ave(s$y, s$time, FUN = function(v) length(unique(v))) > 1
  if (all(keep)) return(s); s <- s[keep, ] }
estimate <- function(s, link, time) {
  s <- varying(s, time)
  D <- model.matrix(if (time) ~ factor(unit) + factor(time) - 1 else ~ factor(unit) - 1, s); Z <- cbind(as.matrix(s[X]), D)
  g <- glm(s$y ~ Z - 1, family = binomial(link), control = glm.control(epsilon = 1e-13, maxit = 100))
  p <- link_parts(link); b <- unname(coef(g))
  for (i in 1:20) { e <- drop(Z %*% b); w <- p$f(e)^2 / (p$F(e) * p$F(-e)); step <- solve(crossprod(Z, w * Z), crossprod(Z, (s$y - p$F(e)) * p$f(e) / (p$F(e) * p$F(-e)))); b <- b + drop(step); if (max(abs(step)) < 1e-13) break }
  list(s = s, D = D, coef = b[seq_along(X)], eta = drop(Z %*% b), loglik = sum(binary_model(s$y, Z, link)$logl(b)))
}
pieces <- function(fit, link, eta = fit$eta) { p <- link_parts(link); F <- p$F(eta); f <- p$f(eta); H <- f / (F * p$F(-eta)); w <- H * f
  fp <- if (link == "logit") f * (1 - 2 * F) else -eta * f; M <- as.matrix(fit$s[X])
  R <- M - fit$D %*% solve(crossprod(fit$D, w * fit$D), crossprod(fit$D, w * M)); list(F = F, H = H, w = w, fp = fp, R = R, W = crossprod(R, w * R)) }
bias <- function(fit, link, time, L) { q <- pieces(fit, link); s <- fit$s; b <- 0
  for (i in unique(s$unit)) { r <- which(s$unit == i); r <- r[order(s$time[r])]; T <- length(r); total <- colSums(q$H[r] * q$fp[r] * q$R[r, , drop = FALSE])
    if (L > 0) for (j in seq_len(min(L, T - 1))) { t <- r[(j + 1):T]; lag <- r[1:(T - j)]; total <- total + 2 * T / (T - j) * colSums(q$H[lag] * (s$y[lag] - q$F[lag]) * q$w[t] * q$R[t, , drop = FALSE]) }
    b <- b - total / sum(q$w[r]) / 2 }
  if (time) for (t in unique(s$time)) { r <- which(s$time == t); b <- b - colSums(q$H[r] * q$fp[r] * q$R[r, , drop = FALSE]) / sum(q$w[r]) / 2 }
  list(b = b, W = q$W) }
at_offset <- function(fit, link, beta) { g <- glm(fit$s$y ~ fit$D - 1, family = binomial(link), offset = drop(as.matrix(fit$s[X]) %*% beta), control = glm.control(epsilon = 1e-13, maxit = 100)); solve(pieces(fit, link, unname(g$linear.predictors))$W) }
for (data in c("long", "unbalanced")) { s <- complete(read_sample(data), c("binary", X)); s$y <- s$binary; s <- s[order(s$unit, s$time), ]
  for (link in c("logit", "probit")) for (time in c(FALSE, TRUE)) {
    fit <- estimate(s, link, time); effects <- if (time) "unit+time" else "unit"; id <- paste(link, effects, data, sep = ":"); V <- solve(pieces(fit, link)$W)
    info <- list(nobs = nrow(fit$s), groups = length(unique(fit$s$unit)))
    add_case(paste0(id, ":uncorrected"), "glm with dummies (R)", sprintf("glm(binary ~ x1+x2+d | %s dummies, binomial('%s')), units without variation dropped", effects, link), data, X, fit$coef, fit$loglik, info$nobs, list(classical = V), groups = info$groups)
    for (L in if (data == "long") 0:2 else 0:1) { k <- bias(fit, link, time, L); beta <- fit$coef - drop(solve(k$W, k$b))
      add_case(paste0(id, ":analytical:L", L), "own (R), formulas at the head of bias_corrected.R", paste("analytical correction, trimming", L), data, X, beta, NULL, info$nobs, list(classical = V), groups = info$groups,
        se_at_corrected = sqrt(diag(at_offset(fit, link, beta))), shift = unname(beta - fit$coef)) }
    if (data == "long") {
      half <- function(keep) estimate(s[keep, ], link, time)$coef
      in_time <- (half(s$time <= 2005) + half(s$time > 2005)) / 2; beta <- if (time) 3 * fit$coef - in_time - (half(s$unit <= 50) + half(s$unit > 50)) / 2 else 2 * fit$coef - in_time
      add_case(paste0(id, ":jackknife"), "own (R)", "split-panel jackknife: periods 1-5 and 6-10; units 1-50 and 51-100; every half drops its own units without variation", data, X, beta, NULL, info$nobs, list(classical = V), groups = info$groups,
        halves = if (time) list(early = half(s$time <= 2005), late = half(s$time > 2005), units_low = half(s$unit <= 50), units_high = half(s$unit > 50)) else list(early = half(s$time <= 2005), late = half(s$time > 2005))) } } }
# Firth's logit: penalised score X'(y - p + h (1/2 - p)); the errors are the inverse information at the estimate
firth <- function(y, X, w = rep(1, length(y))) { b <- numeric(ncol(X))
  for (i in 1:500) { p <- plogis(drop(X %*% b)); I <- crossprod(X, w * p * (1 - p) * X); h <- w * p * (1 - p) * rowSums((X %*% solve(I)) * X)
    step <- drop(solve(I, crossprod(X, w * (y - p) + h * (0.5 - p)))); b <- b + step * min(1, 2 / max(abs(step))); if (max(abs(step)) < 1e-14) break }
  list(coef = b, V = solve(I), loglik = sum(w * (y * log(p) + (1 - y) * log(1 - p))), penalised = sum(w * (y * log(p) + (1 - y) * log(1 - p))) + determinant(I)$modulus[1] / 2) }
for (data in c("separated", "balanced", "unbalanced")) { names <- c(X, if (data == "separated") "flag"); s <- complete(read_sample(data), c("binary", names)); D <- cbind(1, as.matrix(s[names])); f <- firth(s$binary, D)
  g <- glm(s$binary ~ D - 1, family = binomial, method = "brglmFit", control = brglmControl(type = "AS_mean", epsilon = 1e-13, maxit = 500)); close_to(f$coef, coef(g), 1e-9, "brglm2"); close_to(f$V, vcov(g), 1e-7, "brglm2 vcov")
  add_case(paste0("logit:firth:", data), "brglm2::brglmFit AS_mean, and own (R)", paste("glm(binary ~", paste(names, collapse = "+"), ", binomial, method='brglmFit', type='AS_mean')"), data, c("Intercept", names), f$coef, f$loglik, nrow(s), list(classical = f$V), penalised_loglik = f$penalised) }
# Firth's conditional logit: conditional log likelihood plus half the log determinant of its information
{ s <- read_sample("separated"); s$y <- s$binary; names <- c("x1", "x2", "d", "flag"); rows <- split(seq_len(nrow(s)), s$unit); rows <- rows[sapply(rows, function(r) length(unique(s$y[r])) > 1)]; M <- as.matrix(s[names])
  sets <- lapply(rows, function(r) t(apply(combn(r, sum(s$y[r])), 2, function(a) colSums(M[a, , drop = FALSE])))); own <- lapply(rows, function(r) colSums(M[r[s$y[r] == 1], , drop = FALSE]))
  parts <- function(b) { l <- 0; I <- 0; for (i in seq_along(sets)) { e <- drop(sets[[i]] %*% b); p <- exp(e - max(e)); l <- l + sum(own[[i]] * b) - max(e) - log(sum(p)); p <- p / sum(p); m <- colSums(p * sets[[i]]); I <- I + crossprod(sets[[i]], p * sets[[i]]) - tcrossprod(m) }; list(l = l, I = I) }
  objective <- function(b) { q <- parts(b); q$l + determinant(q$I)$modulus[1] / 2 }
  b <- nlminb(numeric(4), function(b) -objective(b), control = list(rel.tol = 1e-13))$par; for (i in 1:8) b <- b - drop(solve(hessian(objective, b), grad(objective, b))); stopifnot(max(abs(grad(objective, b))) < 1e-9); q <- parts(b)
  add_case("logit:fixed:firth:separated", "own enumeration (R), penalised by Newton", "conditional logit binary ~ x1+x2+d+flag | unit, Jeffreys penalty", "separated", names, b, q$l, sum(lengths(rows)), list(classical = solve(q$I)), penalised_loglik = objective(b), groups = length(rows)) }
cat(version_of("R", "brglm2"), "\n")
write_cases("bias_corrected.json")
