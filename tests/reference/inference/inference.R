# Wild cluster bootstrap by drawing every sample, score bootstrap, robust Hausman of logits, Hosmer-Lemeshow.
# Run here: Rscript inference.R; writes inference.json.
suppressPackageStartupMessages({library(jsonlite); library(sandwich)})
read_sample <- function(name) read.csv(file.path("..", "engine", "data", paste0(name, ".csv")), na.strings = c("", "NA"))
out <- list()
patterns <- function(G) t(as.matrix(expand.grid(rep(list(c(1, -1)), G))))
p_of <- function(t0, ts) mean(abs(ts) >= abs(t0) * (1 - 1e-9))
# CRV1 t of one coefficient by lm and sandwich::vcovCL (HC1, cadjust: G/(G-1) (N-1)/(N-K))
t_of <- function(fit, at, cluster, null = 0) (coef(fit)[[at]] - null) / sqrt(vcovCL(fit, cluster = cluster, type = "HC1")[at, at])
boot <- function(s, formula, at, cluster, null, imposed, weights = NULL) {
  s$w <- if (is.null(weights)) 1 else s[[weights]]
  full <- lm(formula, s, weights = w); X <- model.matrix(full); g <- match(s[[cluster]], sort(unique(s[[cluster]]))); y <- model.response(model.frame(full))
  t0 <- t_of(full, at, g, null); s$fixed <- null * X[, at]
  if (imposed) { Z <- X[, colnames(X) != at, drop = FALSE]; r <- lm.wfit(Z, y - s$fixed, s$w); fitted <- drop(Z %*% r$coefficients) + s$fixed; u <- y - fitted; centre <- null
  } else { fitted <- drop(X %*% coef(full)); u <- y - fitted; centre <- coef(full)[[at]] }
  V <- patterns(max(g)); ts <- apply(V, 2, function(v) { s$ystar <- fitted + v[g] * u; t_of(lm(update(formula, ystar ~ .), s, weights = w), at, g, centre) })
  list(t = t0, p = p_of(t0, ts), t_draws_sorted = sort(ts)) }
b <- read_sample("balanced"); u <- na.omit(read_sample("unbalanced")[c("continuous", "x1", "x2", "d", "industry", "unit", "time", "weight")]); few <- b[b$unit <= 60 & b$industry <= 6, ]
out[["wcr:balanced:d"]] <- c(list(call = "continuous ~ x1+x2+d on units 1-60 of industries 1-6, d = 0, null imposed, all sign patterns of industry"), boot(few, continuous ~ x1 + x2 + d, "d", "industry", 0, TRUE))
out[["wcr:balanced:d=0.2"]] <- c(list(call = "the same, d = 0.2"), boot(few, continuous ~ x1 + x2 + d, "d", "industry", 0.2, TRUE))
out[["wcu:balanced:d"]] <- c(list(call = "the same, d = 0, null not imposed"), boot(few, continuous ~ x1 + x2 + d, "d", "industry", 0, FALSE))
out[["wcr:balanced:time"]] <- c(list(call = "the same with year dummies, d = 0, null imposed"), boot(few, continuous ~ x1 + x2 + d + factor(time), "d", "industry", 0, TRUE))
few_u <- u[u$industry <= 6, ]; out[["wcr:unbalanced:weighted"]] <- c(list(call = "continuous ~ x1+x2+d, weights, industries 1-6 of unbalanced, null imposed"), boot(few_u, continuous ~ x1 + x2 + d, "d", "industry", 0, TRUE, "weight"))
# Score bootstrap of a logit: scores and information at the estimates under d = null, recentred by cluster shares
score <- function(s, null) { X <- cbind(1, s$x1, s$x2, s$d); g <- match(s$industry, sort(unique(s$industry)))
  r <- glm(binary ~ x1 + x2, binomial, s, offset = null * s$d, control = glm.control(epsilon = 1e-15, maxit = 50)); p <- fitted(r)
  A <- solve(crossprod(X, X * p * (1 - p))); c <- rowsum(drop(X %*% A[, 4]) * (s$binary - p), g)[, 1]; share <- as.vector(table(g)) / length(g)
  G <- max(g); N <- nrow(s); factor <- G / (G - 1) * (N - 1) / (N - 4); stat <- function(v) { n <- sum(c * v); n / sqrt(factor * sum((c * v - share * n)^2)) }
  ts <- apply(patterns(G), 2, stat); list(t = stat(rep(1, G)), p = p_of(stat(rep(1, G)), ts), t_draws_sorted = sort(ts)) }
out[["score:balanced:d"]] <- c(list(call = "logit binary ~ x1+x2+d on the same rows, d = 0, null imposed, industry"), score(few, 0))
out[["score:balanced:d=0.3"]] <- c(list(call = "the same, d = 0.3"), score(few, 0.3))
# Hosmer-Lemeshow of a logit, ten groups cut at quantiles (type 7) of the fitted probability
h <- glm(binary ~ x1 + x2 + d, binomial, b, control = glm.control(epsilon = 1e-14)); p <- fitted(h)
for (G in c(6, 10)) { cut <- cut(p, quantile(p, 0:G / G), include.lowest = TRUE); n <- as.vector(table(cut)); o <- tapply(b$binary, cut, sum); e <- tapply(p, cut, sum); X2 <- sum((o - e)^2 / (e * (1 - e / n)))
  out[[paste0("hosmer_lemeshow:balanced:", G)]] <- list(chi2 = X2, df = G - 2, p = pchisq(X2, G - 2, lower.tail = FALSE)) }
out[["fit:logit:balanced"]] <- list(efron = 1 - sum((b$binary - p)^2) / sum((b$binary - mean(b$binary))^2), mckelvey_zavoina = { v <- predict(h); s2 <- mean((v - mean(v))^2); s2 / (s2 + pi^2 / 3) }, share_of_mode = max(mean(b$binary), 1 - mean(b$binary)))
# Hausman of conditional against pooled logit, covariance of the difference clustered by region through both scores
suppressPackageStartupMessages(library(survival)); rhs <- c("x1", "x2", "d"); X <- as.matrix(b[rhs])
cl <- clogit(binary ~ x1 + x2 + d + strata(unit), b, method = "exact", control = coxph.control(eps = 1e-14, iter.max = 60)); beta <- coef(cl)
unit_score <- t(sapply(split(seq_len(nrow(b)), b$unit), function(i) { k <- sum(b$binary[i]); if (k == 0 || k == length(i)) return(rep(0, 3)); sets <- combn(length(i), k); S <- t(apply(sets, 2, function(j) colSums(X[i, , drop = FALSE][j, , drop = FALSE]))); w <- exp(S %*% beta); colSums(X[i, , drop = FALSE] * b$binary[i]) - colSums(S * drop(w)) / sum(w) }))
region <- b$region[match(as.integer(rownames(unit_score)), b$unit)]; psi_f <- rowsum(unit_score %*% vcov(cl), region)
Z <- cbind(1, X); psi_p <- rowsum((Z * (b$binary - p)) %*% vcov(h), b$region)[, 2:4]; psi <- psi_f - psi_p; G <- nrow(psi); V <- G / (G - 1) * crossprod(psi); d <- beta - coef(h)[2:4]
out[["hausman_robust:logit:balanced"]] <- list(chi2 = drop(d %*% solve(V, d)), df = 3)
write(toJSON(out, digits = 15, auto_unbox = TRUE), "inference.json")
