# Cronbach's alpha, principal component and latent classes of items.csv.
# The latent class model is fitted without EM: its likelihood over rows is maximised by BFGS (optim).
# Run: Rscript items.R   (base R; writes items_R.json)
d <- read.csv("items.csv"); k <- 5; X <- as.matrix(d[, 1:k])
full <- X[complete.cases(X), ]
C <- cov(full); R <- cor(full)
alpha <- k * mean(C[lower.tri(C)]) / (mean(diag(C)) + (k - 1) * mean(C[lower.tri(C)]))
alpha_std <- k * mean(R[lower.tri(R)]) / (1 + (k - 1) * mean(R[lower.tri(R)]))
pc <- prcomp(full, scale. = TRUE); sgn <- sign(sum(pc$rotation[, 1]))
fit <- function(w) {
  negative <- function(t) {
    p1 <- plogis(t[1]); a <- plogis(t[2:6]); b <- plogis(t[7:11])
    one <- function(q) apply(X, 1, function(y) prod(ifelse(is.na(y), 1, ifelse(y == 1, q, 1 - q))))
    -sum(w * log(p1 * one(a) + (1 - p1) * one(b)))
  }
  o <- list(value = Inf)
  for (s in 1:4) {
    set.seed(s)
    t <- optim(c(0, rnorm(5, -1, .3), rnorm(5, 1, .3)), negative, method = "BFGS",
               control = list(maxit = 2000, reltol = 1e-15))
    t <- optim(t$par, negative, method = "BFGS", control = list(maxit = 2000, reltol = 1e-16, ndeps = rep(1e-6, 11)))
    if (t$value < o$value) o <- t
  }
  p <- plogis(o$par); a <- p[2:6]; b <- p[7:11]; s <- p[1]
  if (sum(a) > sum(b)) { c0 <- a; a <- b; b <- c0; s <- 1 - s }
  list(log_likelihood = -o$value, share_low = s, low = a, high = b)
}
plain <- fit(rep(1, nrow(d))); weighted <- fit(d$weight / mean(d$weight))
num <- function(v) paste0("[", paste(formatC(v, digits = 14, format = "g"), collapse = ", "), "]")
lca <- function(f) sprintf('{"log_likelihood": %.10f, "share_low": %.10f, "low": %s, "high": %s}',
                           f$log_likelihood, f$share_low, num(f$low), num(f$high))
cat(sprintf('{"alpha": %.14f, "alpha_standardised": %.14f, "explained": %.14f,\n "loadings": %s,\n "first_scores": %s,\n "latent_classes": %s,\n "latent_classes_weighted": %s}\n',
  alpha, alpha_std, pc$sdev[1]^2 / k, num(sgn * pc$rotation[, 1]), num(sgn * pc$x[1:5, 1]), lca(plain), lca(weighted)),
  file = "items_R.json")
