# Linear models: least squares with none, one or two sets of dummies, every covariance of the engine.
source("common.R")
suppressPackageStartupMessages({library(sandwich); library(clubSandwich); library(plm)})
X <- c("x1", "x2", "d")
for (data in c("balanced", "unbalanced")) for (weighted in c(FALSE, TRUE)) { if (weighted && data == "balanced") next
  s <- complete(read_sample(data), c("continuous", X)); s$w <- if (weighted) s$weight else 1; tag <- paste0(data, if (weighted) ":weighted")
  for (effects in c("none", "unit", "unit+time")) { t <- s
    if (effects != "none") t <- t[ave(t$y <- t$continuous, t$unit, FUN = length) > 1, ]   # singletons left out, as reghdfe does
    f <- as.formula(paste("continuous ~ x1 + x2 + d", if (effects != "none") "+ factor(unit)", if (effects == "unit+time") "+ factor(time)"))
    g <- lm(f, t, weights = w); take <- if (effects == "none") 1:4 else 2:4; names <- names(coef(g))[take]; names[names == "(Intercept)"] <- "Intercept"; n <- nrow(t); K <- sum(!is.na(coef(g)))
    B <- vcov(g) / summary(g)$sigma^2; I <- (model.matrix(g) * (t$w * residuals(g))) %*% B; colnames(I) <- names(coef(g)); I <- I[, take]
    V <- list(classical = vcov(g)[take, take], HC0 = crossprod(I)); V$HC1 <- V$HC0 * n / (n - K)
    if (effects == "none") { close_to(V$HC1, vcovHC(g, "HC1"), 1e-9); V$HC2 <- vcovHC(g, "HC2"); V$HC3 <- vcovHC(g, "HC3") }
    k_time <- length(unique(t$time)) - 1
    for (label in c("unit", "region", "region+time", "region+industry+time", "unit+time")) { way <- strsplit(label, "+", fixed = TRUE)[[1]]; raw <- 0; own <- 0; G <- c()
      for (mask in seq_len(2^length(way) - 1)) { use <- way[bitwAnd(mask, 2^(seq_along(way) - 1)) > 0]; cl <- interaction(t[use], drop = TRUE); part <- (-1)^(length(use) + 1) * crossprod(rowsum(I, as.integer(cl))); raw <- raw + part; own <- own + part * nlevels(cl) / (nlevels(cl) - 1); if (length(use) == 1) G <- c(G, nlevels(cl)) }
      # fixest and reghdfe: effects nested in a cluster are not counted, but all of them together cost one
      k <- if (effects == "none") 4 else if (effects == "unit+time" && !("time" %in% way)) 3 + k_time + 1 else 4
      V[[paste0("CRV0:", label)]] <- raw; V[[paste0("CRV1_own_no_k:", label)]] <- own
      V[[paste0("CRV1:", label)]] <- raw * min(G) / (min(G) - 1) * (n - 1) / (n - k)
      e <- eigen(V[[paste0("CRV1:", label)]], symmetric = TRUE); if (min(e$values) < 0) V[[paste0("CRV1_psd:", label)]] <- e$vectors %*% (pmax(e$values, 0) * t(e$vectors))
    }
    if (effects == "none") close_to(V[["CRV1_own_no_k:region+time"]], vcovCL(g, t[c("region", "time")], type = "HC0", cadjust = TRUE), 1e-8)
    # leave-one-cluster-out, all dummies refitted; clubSandwich's CR3 carries no (G-1)/G
    for (way in c("region", "unit")) { if (way == "unit" && effects != "none") next; L <- unique(t[[way]]); D <- t(sapply(L, function(l) { h <- lm(f, t[t[[way]] != l, ], weights = w); coef(h)[take] - coef(g)[take] })); V[[paste0("CRV3:", way)]] <- crossprod(D) * (length(L) - 1) / length(L) }
    if (effects == "none" && !weighted) close_to(V[["CRV3:region"]] * 24 / 23, as.matrix(vcovCR(g, t$region, type = "CR3")), 1e-8, "clubSandwich")
    # Driscoll-Kraay: sums of scores by period, Bartlett weights 1 - l/(L+1)
    if (!weighted) for (L in 0:2) { h <- rowsum(I, t$time); h <- h[order(as.numeric(rownames(h))), ]; raw <- crossprod(h); T <- nrow(h)
      for (l in seq_len(L)) { A <- crossprod(h[(l + 1):T, , drop = FALSE], h[1:(T - l), , drop = FALSE]); raw <- raw + (1 - l / (L + 1)) * (A + t(A)) }
      V[[paste0("CRV0:DK", L)]] <- raw; V[[paste0("CRV1:DK", L)]] <- raw * T / (T - 1) * (n - 1) / (n - 4)
      V[[paste0("CRV1_all_k:DK", L)]] <- raw * T / (T - 1) * (n - 1) / (n - K)   # pyfixest counts every dummy here
      if (effects != "unit+time" && data == "balanced") { pl <- plm(continuous ~ x1 + x2 + d, t, index = c("unit", "time"), model = if (effects == "none") "pooling" else "within")
        close_to(raw, vcovSCC(pl, type = "HC0", maxlag = L), 1e-7, "plm::vcovSCC") } }
    if (weighted) { inside <- partialled(model.matrix(g) * (t$w * residuals(g)), B, take); V$survey <- survey_covariance(inside$S, inside$H, t$stratum, t$psu) }
    add_case(paste("ols", effects, tag, sep = ":"), "lm + sandwich, clubSandwich, plm (R)", deparse1(f), data, names, coef(g)[take], as.numeric(logLik(g)), n, V, keep = c("classical", "HC0"), parameters_with_dummies = K, residual_df = df.residual(g), sigma = summary(g)$sigma, units = length(unique(t$unit)), periods = k_time + 1) } }
# feasible GLS: components of Swamy and Arora (harmonic mean of the panel lengths), least squares of quasi-demeaned columns
for (data in c("balanced", "unbalanced")) for (effects in c("random", "correlated")) {
  s <- complete(read_sample(data), c("continuous", X)); n <- nrow(s); mean_of <- function(v) ave(v, s$unit); terms <- X
  if (effects == "correlated") { for (x in X) s[[paste0(x, "_mean")]] <- mean_of(s[[x]]); terms <- c(X, paste0(X, "_mean")) }
  D <- cbind(Intercept = 1, as.matrix(s[terms])); y <- s$continuous; lengths <- as.numeric(table(s$unit)); units <- length(lengths); first <- !duplicated(s$unit)
  within <- lm(y - mean_of(y) ~ apply(as.matrix(s[X]), 2, function(v) v - mean_of(v)) - 1)
  variance_e <- sum(residuals(within)^2) / (n - units - length(X)); M <- unique(apply(D, 2, mean_of)[first, ], MARGIN = 2)
  between <- lm(mean_of(y)[first] ~ M - 1); variance_u <- max(0, sum(residuals(between)^2) / (units - between$rank) - variance_e * mean(1 / lengths))
  theta <- 1 - sqrt(variance_e / (ave(y, s$unit, FUN = length) * variance_u + variance_e))
  Y <- y - theta * mean_of(y); Z <- apply(D, 2, function(v) v - theta * mean_of(v)); g <- lm(Y ~ Z - 1); k <- ncol(Z)
  if (data == "balanced") { p <- plm(as.formula(paste("continuous ~", paste(terms, collapse = "+"))), s, index = c("unit", "time"), model = "random", random.method = "swar"); close_to(coef(g), coef(p), 1e-8, "plm"); close_to(vcov(g), vcov(p), 1e-8, "plm vcov") }
  V <- c(list(classical = vcov(g)), covariances(Z * residuals(g), -crossprod(Z), list(unit = s["unit"], region = s["region"], "region+time" = s[c("region", "time")], "region+industry+time" = s[c("region", "industry", "time")]))[-1])
  V$HC2 <- vcovHC(g, "HC2"); V$HC3 <- vcovHC(g, "HC3"); close_to(V$HC1, vcovHC(g, "HC1"), 1e-9, "HC1")
  V[["CRV3:region"]] <- jackknife(coef(g), s$region, function(keep) coef(lm(Y[keep] ~ Z[keep, ] - 1))); close_to(V[["CRV3:region"]] * 24 / 23, as.matrix(vcovCR(g, s$region, type = "CR3")), 1e-8, "clubSandwich")
  if ("psu" %in% names(s)) V$survey <- survey_covariance(Z * residuals(g), -crossprod(Z), s$stratum, s$psu)
  for (L in 0:2) { h <- rowsum(Z * residuals(g), s$time); h <- h[order(as.numeric(rownames(h))), ]; raw <- crossprod(h); T <- nrow(h)
    for (l in seq_len(L)) { A <- crossprod(h[(l + 1):T, , drop = FALSE], h[1:(T - l), , drop = FALSE]); raw <- raw + (1 - l / (L + 1)) * (A + t(A)) }
    B <- solve(crossprod(Z)); V[[paste0("CRV1:DK", L)]] <- B %*% raw %*% B * T / (T - 1) * (n - 1) / (n - k) }
  add_case(paste("ols", effects, data, sep = ":"), "quasi-demeaned lm + sandwich, clubSandwich; plm where balanced (R)", paste("continuous ~", paste(terms, collapse = "+"), "+ unit effect"), data, colnames(D), coef(g), NULL, n, V, keep = c("classical", "HC0"),
    sigma_u = sqrt(variance_u), sigma_e = sqrt(variance_e), units = units)
}
cat(version_of("R", "sandwich", "clubSandwich", "plm"), "\n")
write_cases("linear.json")
