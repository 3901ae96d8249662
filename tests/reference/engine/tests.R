# Tests after estimation: Hausman, Hausman-McFadden, Brant, likelihood ratio, Wald, multiple testing.
source("common.R")
suppressPackageStartupMessages({library(plm); library(survival); library(nnet)})
rhs <- c("x1", "x2", "d"); out <- list()
wald <- function(b, V) { W <- drop(b %*% solve(V, b)); list(chi2 = W, df = length(b), p = pchisq(W, length(b), lower.tail = FALSE)) }
# Hausman on linear panels: FE and RE of plm (Swamy-Arora); the auxiliary regression clustered by unit
w <- read_sample("wagepan"); f <- lwage ~ married + poorhlth + expersq + union
fe <- plm(f, w, index = c("nr", "year"), model = "within"); re <- plm(f, w, index = c("nr", "year"), model = "random"); h <- phtest(fe, re)
out[["hausman:wagepan"]] <- list(program = "plm::phtest (R)", call = "lwage ~ married + poorhlth + expersq + union, within against random (Swamy-Arora)", chi2 = unname(h$statistic), df = unname(h$parameter), p = unname(h$p.value), names = names(coef(fe)),
  fixed = unname(coef(fe)), random = unname(coef(re)), vcov_fixed = unname(vcov(fe)), vcov_random = unname(unclass(vcov(re))[1:5, 1:5]), theta = unname(ercomp(re)$theta))
two <- plm(f, w, index = c("nr", "year"), model = "within", effect = "twoways"); out[["two_way:wagepan"]] <- list(program = "plm (R)", call = "the same with unit and year effects (expersq stays, exper would not)", names = names(coef(two)), coef = unname(coef(two)), se = unname(sqrt(diag(vcov(two)))))
b <- read_sample("balanced")
for (data in c("balanced", "wagepan")) { s <- if (data == "wagepan") data.frame(y = w$lwage, w[c("married", "poorhlth", "expersq", "union")], unit = w$nr, time = w$year) else data.frame(y = b$continuous, b[rhs], unit = b$unit, time = b$time)
  v <- setdiff(names(s), c("y", "unit", "time")); fml <- as.formula(paste("y ~", paste(v, collapse = "+"))); re <- plm(fml, s, index = c("unit", "time"), model = "random"); theta <- ercomp(re)$theta
  demean <- function(x) x - theta * ave(x, s$unit); D <- cbind(1 - theta, sapply(s[v], demean), sapply(s[v], function(x) x - ave(x, s$unit))); y <- demean(s$y)
  m <- qr.solve(crossprod(D), crossprod(D, y))[, 1]; u <- y - drop(D %*% m); B <- solve(crossprod(D)); j <- length(v) + 1 + seq_along(v); G <- length(unique(s$unit)); raw <- B %*% crossprod(rowsum(D * u, s$unit)) %*% B
  mu <- sapply(s[v], function(x) ave(x, s$unit)); Dm <- cbind(1, as.matrix(s[v]), mu); Dm <- Dm[, c(rep(TRUE, length(v) + 1), apply(mu, 2, sd) > 0)]; bm <- solve(crossprod(Dm), crossprod(Dm, s$y))[, 1]; e <- s$y - drop(Dm %*% bm); Bm <- solve(crossprod(Dm)); rm <- Bm %*% crossprod(rowsum(Dm * e, s$unit)) %*% Bm
  out[[paste0("hausman_auxiliary:", data)]] <- list(program = "own (R) from plm's theta", call = "Wald test of the within-transformed regressors added to the quasi-demeaned regression; cluster-robust by unit, no small-sample factor",
    theta = unname(theta), clustered = wald(m[j], raw[j, j]), classical = wald(m[j], B[j, j] * sum(u^2) / (nrow(D) - ncol(D))), mundlak_ols_means_clustered = wald(bm[j], rm[j, j]), with_G = wald(m[j], raw[j, j] * G / (G - 1)))
  h <- phtest(plm(fml, s, index = c("unit", "time"), model = "within"), re); out[[paste0("hausman_plm:", data)]] <- list(program = "plm::phtest (R)", chi2 = unname(h$statistic), df = unname(h$parameter), p = unname(h$p.value)) }
# Hausman on logits: conditional against random effects (12 points), classical covariances, slopes only
fixed <- fromJSON("fixed.json"); random <- fromJSON("random_binary.json")
for (data in c("balanced", "unbalanced")) for (kind in c("random", "pooled")) { a <- fixed[[paste0("logit:fixed:", data)]]
  if (kind == "random") { r <- random[[paste0("logit:random:", data, ":12")]]; rb <- r$coef[2:4]; rV <- r$vcov$classical[2:4, 2:4] } else { s <- complete(read_sample(data), c("binary", rhs)); g <- glm(binary ~ x1 + x2 + d, binomial, s, control = glm.control(epsilon = 1e-14)); rb <- unname(coef(g)[2:4]); rV <- unname(vcov(g)[2:4, 2:4]) }
  D <- a$vcov$classical - rV; out[[paste0("hausman_logit:fixed_", kind, ":", data)]] <- c(list(program = "own (R) from fixed.json and random_binary.json", call = "(b_F - b_R)'(V_F - V_R)^-1 (b_F - b_R), slopes", smallest_eigenvalue = min(eigen(D, symmetric = TRUE)$values)), wald(a$coef - rb, D)) }
# Hausman-McFadden: drop one alternative, compare the remaining equation
for (data in c("balanced", "unbalanced")) { s <- complete(read_sample(data), c("choice", rhs)); X <- cbind(1, as.matrix(s[rhs])); full <- maximise(multinomial_model(s$choice, X), rep(0, 8)); Vf <- solve(-full$H)
  for (drop in 1:2) { keep <- s$choice != drop; r <- maximise(multinomial_model(as.integer(s$choice[keep] > 0), X[keep, ]), rep(0, 4)); Vr <- solve(-r$H); j <- if (drop == 1) 5:8 else 1:4
    D <- Vr - Vf[j, j]; d <- r$coef - full$coef[j]; out[[paste0("hausman_mcfadden:", data, ":without_", drop)]] <- list(program = "own (R)", call = "choice ~ x1+x2+d; (b_r - b_f)'(V_r - V_f)^-1(b_r - b_f)", with_intercept = wald(d, D), slopes_only = wald(d[-1], D[-1, -1]), smallest_eigenvalue = min(eigen(D, symmetric = TRUE)$values), restricted = r$coef) } }
# Brant (1990): separate logits of y > j; covariance between cuts from the fitted probabilities
for (data in c("balanced", "unbalanced", "wagepan")) { s <- read_sample(data); v <- if (data == "wagepan") c("married", "poorhlth", "exper", "expersq", "educ") else rhs; y <- if (data == "wagepan") "quartile" else "ordered"; s <- complete(s, c(y, v)); X <- cbind(1, as.matrix(s[v])); J <- 4; k <- ncol(X)
  fits <- lapply(1:(J - 1), function(j) maximise(binary_model(as.numeric(s[[y]] > j), X, "logit"), rep(0, k))); P <- sapply(fits, function(f) plogis(drop(X %*% f$coef))); info <- lapply(1:(J - 1), function(j) solve(crossprod(X, P[, j] * (1 - P[, j]) * X)))
  slopes <- unlist(lapply(fits, function(f) f$coef[-1])); V <- matrix(0, (J - 1) * (k - 1), (J - 1) * (k - 1)); block <- function(j) (j - 1) * (k - 1) + seq_len(k - 1)
  for (j in 1:(J - 1)) for (l in j:(J - 1)) { C <- info[[j]] %*% crossprod(X, (P[, l] - P[, j] * P[, l]) * X) %*% info[[l]]; V[block(j), block(l)] <- C[-1, -1]; V[block(l), block(j)] <- t(C[-1, -1]) }
  contrast <- function(columns) { R <- do.call(rbind, lapply(2:(J - 1), function(j) { A <- matrix(0, length(columns), nrow(V)); A[cbind(seq_along(columns), block(1)[columns])] <- 1; A[cbind(seq_along(columns), block(j)[columns])] <- -1; A })); wald(drop(R %*% slopes), R %*% V %*% t(R)) }
  out[[paste0("brant:", data)]] <- list(program = "own (R) from Brant (1990)", call = paste(y, "~", paste(v, collapse = "+")), omnibus = contrast(seq_len(k - 1)), by_variable = setNames(lapply(seq_len(k - 1), contrast), v), binary_slopes = matrix(slopes, ncol = J - 1)) }
# likelihood ratio, Wald across equations, goodness of fit
s <- complete(read_sample("unbalanced"), c("binary", "choice", rhs)); g1 <- glm(binary ~ x1 + x2 + d, binomial, s, control = glm.control(epsilon = 1e-14)); g0 <- glm(binary ~ x1, binomial, s, control = glm.control(epsilon = 1e-14)); lr <- as.numeric(2 * (logLik(g1) - logLik(g0)))
out[["likelihood_ratio:logit:unbalanced"]] <- list(program = "glm (R)", call = "binary ~ x1+x2+d against binary ~ x1, rows complete in binary, choice, x1, x2, d", nobs = nrow(s), chi2 = lr, df = 2, p = pchisq(lr, 2, lower.tail = FALSE))
null <- glm(binary ~ 1, binomial, s); p <- fitted(g1); ll <- as.numeric(logLik(g1)); l0 <- as.numeric(logLik(null)); n <- nrow(s); order <- rank(p)
out[["fit:logit:unbalanced"]] <- list(program = "glm (R)", call = "binary ~ x1+x2+d, the same rows", loglik = ll, loglik_null = l0, mcfadden = 1 - ll / l0, mcfadden_adjusted = 1 - (ll - 4) / l0, cox_snell = 1 - exp(2 * (l0 - ll) / n), nagelkerke = (1 - exp(2 * (l0 - ll) / n)) / (1 - exp(2 * l0 / n)),
  tjur = mean(p[s$binary == 1]) - mean(p[s$binary == 0]), aic = AIC(g1), bic = BIC(g1), correctly_classified = mean((p > 0.5) == s$binary), brier = mean((p - s$binary)^2), area_under_curve = (sum(order[s$binary == 1]) - sum(s$binary) * (sum(s$binary) + 1) / 2) / (sum(s$binary) * sum(1 - s$binary)))
X <- cbind(1, as.matrix(s[rhs])); m <- maximise(multinomial_model(s$choice, X), rep(0, 8)); V <- covariances(m$scores, m$H, list(unit = s["unit"]))
for (kind in c("classical", "CRV1_ml:unit", "CRV1:unit")) { W <- V[[kind]]; out[[paste0("wald_across:multinomial:unbalanced:", kind)]] <- list(program = "multinomial logit by Newton (R)", call = "choice ~ x1+x2+d, the same rows", x1_in_both_zero = wald(m$coef[c(2, 6)], W[c(2, 6), c(2, 6)]), x1_equal = wald(m$coef[2] - m$coef[6], matrix(W[2, 2] + W[6, 6] - 2 * W[2, 6]))) }
# multiple testing: Holm, Benjamini-Hochberg, and Romano-Wolf on stored bootstrap draws
p <- c(0.0004, 0.011, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.9); out[["multiple_testing:p_values"]] <- list(program = "p.adjust (R)", p = p, holm = p.adjust(p, "holm"), benjamini_hochberg = p.adjust(p, "BH"), bonferroni = p.adjust(p, "bonferroni"))
# five outcomes on x1, x2 and d; hypothesis: the coefficient of d; clusters (regions) drawn with replacement
set.seed(20261121); s <- b; outcomes <- c("continuous", "fraction", "count", "ordered", "first"); fit_t <- function(s, y) { X <- cbind(1, as.matrix(s[rhs])); B <- solve(crossprod(X)); beta <- drop(B %*% crossprod(X, s[[y]])); u <- s[[y]] - drop(X %*% beta); V <- B %*% crossprod(rowsum(X * u, s$cl)) %*% B; c(beta[4], sqrt(V[4, 4])) }
s$cl <- s$region; base <- sapply(outcomes, function(y) fit_t(s, y)); regions <- unique(s$region); rows <- split(seq_len(nrow(s)), s$region)[as.character(regions)]
draws <- t(replicate(199, { pick <- sample(seq_along(regions), replace = TRUE); t <- s[unlist(rows[pick]), ]; t$cl <- rep(seq_along(pick), lengths(rows[pick])); r <- sapply(outcomes, function(y) fit_t(t, y)); (r[1, ] - base[1, ]) / r[2, ] }))
t0 <- base[1, ] / base[2, ]; rank <- order(-abs(t0)); adjusted <- numeric(5); running <- 0; for (i in seq_along(rank)) { top <- apply(abs(draws[, rank[i:5], drop = FALSE]), 1, max); running <- max(running, (1 + sum(top >= abs(t0[rank[i]]))) / (nrow(draws) + 1)); adjusted[rank[i]] <- running }
single <- sapply(1:5, function(i) (1 + sum(abs(draws[, i]) >= abs(t0[i]))) / (nrow(draws) + 1))
out[["multiple_testing:romano_wolf"]] <- list(program = "own loop (R), Romano & Wolf (2016): step-down on the largest |t*| among the hypotheses not yet passed", hypotheses = outcomes, estimate = unname(base[1, ]), t = unname(t0), adjusted = adjusted, unadjusted_bootstrap = single, centred_bootstrap_t = unname(draws))
cases <- out; cat(version_of("R", "plm"), "\n"); write_cases("tests.json")
