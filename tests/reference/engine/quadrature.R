# The random-intercept log likelihood by adaptive Gauss-Hermite quadrature, written out.
# Unit i: log of the integral over u of phi(u) prod_t f(y_it | eta_it + sd u). Nodes are centred on the
# mode of the integrand and scaled by (1 - sum of the second derivatives)^(-1/2), from the observed
# curvature (as ordinal::clmm) or the expected information (as lme4::glmer).
suppressPackageStartupMessages(library(statmod))

slope_of_density <- function(link, x) switch(link, logit = 1 - 2 * plogis(x), probit = -x, cloglog = 1 - exp(x))
row_kernel <- function(response, link) switch(response,
  binary = function(y, eta, cut, expected = FALSE, value = FALSE) { p <- link_parts(link)
    if (value) return(list(l = (if (link == "cloglog") ifelse(y == 1, p$logF(eta), p$logS(eta)) else p$logF((2 * y - 1) * eta))))   # logit and probit are symmetric
    q <- exp(p$logf(eta) - p$logF(eta)); r <- exp(p$logf(eta) - p$logS(eta)); h <- slope_of_density(link, eta)
    list(l = ifelse(y == 1, p$logF(eta), p$logS(eta)), d1 = ifelse(y == 1, q, -r),
         d2 = if (expected) -q * r else ifelse(y == 1, q * (h - q), -r * (h + r))) },
  poisson = function(y, eta, cut, expected = FALSE, value = FALSE) { mu <- exp(eta); list(l = y * eta - mu - lgamma(y + 1), d1 = y - mu, d2 = -mu) },
  negative_binomial = function(y, eta, cut, expected = FALSE, value = FALSE) { mu <- exp(eta); s <- exp(-cut)   # cut: log alpha
    list(l = dnbinom(y, size = s, mu = mu, log = TRUE), d1 = (y - mu) * s / (s + mu), d2 = -(y + s) * mu * s / (s + mu)^2) },
  tobit = function(y, eta, cut, expected = FALSE, value = FALSE) { s <- exp(cut); r <- (y - eta) / s; a <- -eta / s   # cut: log sigma
    l <- ifelse(y > 0, dnorm(r, log = TRUE) - cut, pnorm(a, log.p = TRUE)); if (value) return(list(l = l))
    m <- exp(dnorm(a, log = TRUE) - pnorm(a, log.p = TRUE))
    list(l = l, d1 = ifelse(y > 0, r, -m) / s, d2 = -ifelse(y > 0, 1, m * (a + m)) / s^2) },
  ordered = function(y, eta, cut, expected = FALSE, value = FALSE) { p <- link_parts(link); c <- c(-Inf, cut, Inf); up <- c[y + 1] - eta; low <- c[y] - eta
    turn <- 1 - 2 * (low > 0); P <- turn * (p$F(turn * up) - p$F(turn * low))   # difference taken in the lower tail
    if (value) return(list(l = log(P)))
    fu <- ifelse(is.finite(up), p$f(up), 0); fl <- ifelse(is.finite(low), p$f(low), 0)
    gu <- ifelse(is.finite(up), fu * slope_of_density(link, up), 0); gl <- ifelse(is.finite(low), fl * slope_of_density(link, low), 0)
    d1 <- (fl - fu) / P; list(l = log(P), d1 = d1, d2 = (gu - gl) / P - d1^2) })

# parameters: slopes (with an intercept column in X if wanted), cutpoints, log alpha or log sigma, sd
random_model <- function(y, X, unit, response, link, points, expected = FALSE) {
  k <- ncol(X); cuts <- switch(response, ordered = max(y) - 1, negative_binomial = , tobit = 1, 0); kernel <- row_kernel(response, link)
  id <- match(unit, unique(unit)); rule <- gauss.quad(points, "hermite"); last <- numeric(max(id))   # modes start from the last ones
  logl <- function(b) {
    eta <- drop(X %*% b[1:k]); cut <- if (cuts) b[k + seq_len(cuts)]; sd <- b[k + cuts + 1]; u <- last
    for (iteration in 1:200) { q <- kernel(y, eta + sd * u[id], cut, expected)
      step <- (rowsum(sd * q$d1, id)[, 1] - u) / (1 - rowsum(sd^2 * q$d2, id)[, 1]); u <- u + sign(step) * pmin(abs(step), 2)
      if (max(abs(step)) < 1e-11) break }
    if (all(is.finite(u))) last <<- u
    scale <- 1 / sqrt(1 - rowsum(sd^2 * kernel(y, eta + sd * u[id], cut, expected)$d2, id)[, 1])
    parts <- sapply(seq_len(points), function(j) { v <- u + sqrt(2) * scale * rule$nodes[j]
      log(rule$weights[j]) + rule$nodes[j]^2 + dnorm(v, log = TRUE) + rowsum(kernel(y, eta + sd * v[id], cut, value = TRUE)$l, id)[, 1] })
    m <- apply(parts, 1, max); m + log(rowSums(exp(parts - m))) + log(sqrt(2) * scale) }
  list(logl = logl)
}
# Newton with a Richardson gradient; the Hessian is renewed at the optimum
fit_random <- function(model, start, w = 1) {
  total <- function(b) sum(w * model$logl(b)); gradient <- function(b) colSums(w * jacobian(model$logl, b)); b <- start
  b <- nlminb(b, function(b) -total(b), control = list(rel.tol = 1e-12))$par
  H <- hessian(total, b)
  for (iteration in 1:30) { g <- gradient(b); step <- solve(H, g); b <- b - step; if (max(abs(step) / (1 + abs(b))) < 1e-11) break }
  S <- w * jacobian(model$logl, b)
  H <- hessian(total, b)   # Richardson; agrees with differenced gradients to 2e-8
  list(coef = b, loglik = total(b), scores = S, H = (H + t(H)) / 2, gradient = max(abs(colSums(S))))
}
