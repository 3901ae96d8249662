# Measures of the small country in plants.csv, written out as sums over plants and pairs of plants.
# Run: Rscript small_country.R   (base R; writes quotients.csv, industries.csv, regions.csv, sizes.csv)
options(digits = 15)
p <- read.csv("plants.csv", colClasses = c("character", "character", "numeric", "numeric"))
lorenz_gini <- function(v, w) {
  # mean absolute difference over twice the mean: a double sum, not the Lorenz curve
  w <- w / sum(w)
  sum(outer(w, w) * abs(outer(v, v, "-"))) / (2 * sum(w * v))
}
out_q <- out_i <- out_r <- out_s <- NULL
for (weighted in c(FALSE, TRUE)) {
  m <- if (weighted) p$employment * p$weight else p$employment
  w <- if (weighted) p$weight else rep(1, nrow(p))
  regions <- sort(unique(p$region)); industries <- sort(unique(p$industry))
  for (r in regions) for (i in industries) {
    cell <- sum(m[p$region == r & p$industry == i])
    if (cell > 0) out_q <- rbind(out_q, data.frame(weighted, region = r, industry = i, employment = cell,
      lq = (cell / sum(m[p$region == r])) / (sum(m[p$industry == i]) / sum(m))))
  }
  x <- sapply(regions, function(r) sum(m[p$region == r]) / sum(m))
  for (i in industries) {
    mi <- m[p$industry == i]; ri <- p$region[p$industry == i]
    s <- sapply(regions, function(r) sum(mi[ri == r]) / sum(mi)); z <- mi / sum(mi)
    H <- sum(z^2); G <- sum((s - x)^2)
    gamma <- (G - (1 - sum(x^2)) * H) / ((1 - sum(x^2)) * (1 - H))
    # variance of G = sum_jk z_j z_k K(c_j, c_k) under random location, by enumerating places of one and two plants
    K <- diag(length(x)) - outer(rep(1, length(x)), x) - outer(x, rep(1, length(x))) + sum(x^2)
    v_own <- sum(x * diag(K)^2) - sum(x * diag(K))^2
    v_pair <- sum(outer(x, x) * K^2)
    varG <- 0
    for (j in seq_along(z)) for (k in seq_along(z))
      varG <- varG + if (j == k) z[j]^4 * v_own else 2 * z[j]^2 * z[k]^2 * v_pair
    # the same for sum s^2: pairs of plants in one region, covariances between pairs that share a plant
    same <- sum(x^2); three <- sum(x^3); varS <- 0
    for (j in seq_along(z)) for (k in seq_along(z)) if (j != k) {
      varS <- varS + 2 * z[j]^2 * z[k]^2 * (same - same^2)
      for (l in seq_along(z)) if (l != j && l != k)
        varS <- varS + 4 * z[j]^2 * z[k] * z[l] * (three - same^2)
    }
    scale <- (1 - sum(x^2)) * (1 - H)
    out_i <- rbind(out_i, data.frame(weighted, industry = i, G, H, gamma, gamma_se = sqrt(varG) / scale,
      maurel_sedillot = ((sum(s^2) - sum(x^2)) / (1 - sum(x^2)) - H) / (1 - H), ms_se = sqrt(varS) / scale,
      krugman = sum(abs(s - x)), theil = sum(ifelse(s > 0, s * log(s / x), 0)), gini = lorenz_gini(s / x, x)))
  }
  xi <- sapply(industries, function(i) sum(m[p$industry == i]) / sum(m))
  for (r in regions) {
    s <- sapply(industries, function(i) sum(m[p$region == r & p$industry == i]) / sum(m[p$region == r]))
    out_r <- rbind(out_r, data.frame(weighted, region = r, krugman = sum(abs(s - xi)), hhi = sum(s^2),
      theil = sum(ifelse(s > 0, s * log(s / xi), 0)), gini = lorenz_gini(s / xi, xi)))
    e <- p$employment[p$region == r]; v <- w[p$region == r]
    o <- order(-e); left <- 4; top4 <- 0
    for (j in o) { taken <- min(left, v[j]); top4 <- top4 + taken * e[j]; left <- left - taken }
    out_s <- rbind(out_s, data.frame(weighted, region = r, n_firms = sum(v), cr_4 = top4 / sum(v * e),
      hhi = sum(v * (e / sum(v * e))^2), gini = lorenz_gini(e, v)))
  }
}
w <- function(x, f) write.csv(format(x, digits = 15, trim = TRUE), f, row.names = FALSE, quote = FALSE)
w(out_q, "quotients.csv"); w(out_i, "industries.csv"); w(out_r, "regions.csv"); w(out_s, "sizes.csv")
