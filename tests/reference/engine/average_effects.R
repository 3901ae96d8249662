# Average effects of bias-corrected logit and probit with dummies, corrected in their turn
# (Fernandez-Val & Weidner 2016, theorem 4.2), straight from the formulas, with dummies. Reads the corrected
# coefficients from bias_corrected.json.
#
# With Delta the effect of a row, w = H f, Psi = -Delta'/w, P its w-weighted projection on the dummies:
#   bias = 1/2 sum_groups [ sum (Delta'' + P H f') ] / sum w     (units, and periods where they have dummies)
#          - sum_units [ sum_j T/(T-j) sum_t H_{t-j} (y-F)_{t-j} w_t (Psi - P)_t ] / sum w
# and the corrected average is (sum Delta - bias) / n, over the rows used.
library(jsonlite)
corrected <- fromJSON("bias_corrected.json")
parts <- list(
  logit = list(F = plogis, f = dlogis, f1 = function(e) dlogis(e) * (1 - 2 * plogis(e)), f2 = function(e) dlogis(e) * (1 - 6 * dlogis(e))),
  probit = list(F = pnorm, f = dnorm, f1 = function(e) -e * dnorm(e), f2 = function(e) (e^2 - 1) * dnorm(e)))
averages <- function(s, D, link, beta, time, lags) {
  p <- parts[[link]]; M <- as.matrix(s[c("x1", "x2", "d")])
  alpha <- coef(glm(s$y ~ D - 1, family = binomial(link), offset = drop(M %*% beta), control = glm.control(epsilon = 1e-14, maxit = 200)))
  e <- drop(D %*% alpha + M %*% beta); F <- p$F(e); H <- p$f(e) / (F * p$F(-e)); w <- H * p$f(e); k <- H * p$f1(e); b <- beta[3]
  up <- e + b * (1 - s$d); down <- e - b * s$d
  effects <- list(x1 = list(p$f(e) * beta[1], p$f1(e) * beta[1], p$f2(e) * beta[1]), d = list(p$F(up) - p$F(down), p$f(up) - p$f(down), p$f1(up) - p$f1(down)))
  sapply(effects, function(v) {
    Psi <- -v[[2]] / w; P <- drop(D %*% solve(crossprod(D, w * D), crossprod(D, w * Psi))); bias <- 0
    for (g in c(list(s$unit), if (time) list(s$time))) bias <- bias + sum(tapply(v[[3]] + P * k, g, sum) / tapply(w, g, sum)) / 2
    for (i in unique(s$unit)) { r <- which(s$unit == i); r <- r[order(s$time[r])]; T <- length(r)
      for (j in seq_len(min(lags, T - 1))) { now <- r[(j + 1):T]; past <- r[1:(T - j)]
        bias <- bias - T / (T - j) * sum(H[past] * (s$y[past] - F[past]) * w[now] * (Psi - P)[now]) / sum(w[r]) } }
    (sum(v[[1]]) - bias) / nrow(s) })
}
found <- list()
for (id in grep("analytical", names(corrected), value = TRUE)) {
  key <- strsplit(id, ":")[[1]]; time <- key[2] == "unit+time"
  s <- read.csv(file.path("data", paste0(key[3], ".csv"))); s <- s[complete.cases(s[c("binary", "x1", "x2", "d")]), ]; s$y <- s$binary; s <- s[order(s$unit, s$time), ]
  repeat { keep <- ave(s$y, s$unit, FUN = function(v) length(unique(v))) > 1; if (time) keep <- keep & ave(s$y, s$time, FUN = function(v) length(unique(v))) > 1; if (all(keep)) break; s <- s[keep, ] }
  D <- if (time) model.matrix(~ factor(unit) + factor(time) - 1, s) else model.matrix(~ factor(unit) - 1, s)
  found[[id]] <- as.list(averages(s, D, key[1], corrected[[id]]$coef, time, as.integer(substring(key[5], 2))))
}
write_json(found, "average_effects.json", auto_unbox = TRUE, digits = 15, pretty = TRUE)
