# Gandhi, Navarro and Rivers written out plainly in R on flexible_firms.csv; writes flexible.csv: mean
# elasticities, and those of the first three rows. Run from the root: Rscript tests/reference/productivity/flexible.R
# Shares by nls on raw monomials, the second stage by Newton steps on moments of lm's residuals.
here <- "tests/reference/productivity"
d <- read.csv(file.path(here, "flexible_firms.csv"))
y <- log(d$sales_usd); m <- log(d$materials_usd); l <- log(d$employment); k <- log(d$capital_usd)
share <- m - y
lag1 <- match(paste(d$firm_id, d$year - 1), paste(d$firm_id, d$year)); rows <- which(!is.na(lag1))
out <- NULL
for (degree in 2:3) {
  e <- expand.grid(m = 0:degree, l = 0:degree, k = 0:degree)
  e <- e[rowSums(e) <= degree, ]
  P <- sapply(seq_len(nrow(e)), function(i) m^e$m[i] * l^e$l[i] * k^e$k[i])
  start <- ifelse(rowSums(e) == 0, exp(mean(share)), 0)
  fit <- nls(share ~ log(drop(P %*% g)), start = list(g = start),
             control = nls.control(tol = 1e-10, maxiter = 200, warnOnly = TRUE))
  g <- coef(fit); noise <- drop(log(P %*% g)) - share
  g <- g / mean(exp(noise))
  I <- sapply(seq_len(nrow(e)), function(i) m^(e$m[i] + 1) / (e$m[i] + 1) * l^e$l[i] * k^e$k[i])
  known <- y - noise - drop(I %*% g)
  s <- e[e$m == 0 & rowSums(e) > 0, ]
  X <- sapply(seq_len(nrow(s)), function(i) l^s$l[i] * k^s$k[i])
  moment <- function(theta) {
    omega <- known - drop(X %*% theta); now <- omega[rows]; before <- omega[lag1[rows]]
    crossprod(X[rows, ], resid(lm(now ~ before + I(before^2) + I(before^3)))) / length(rows)
  }
  theta <- coef(lm(known ~ X))[-1]
  # a linear process with persistence 0.7 is linear in theta, and near enough to start from
  dx <- X[rows, ] - 0.7 * X[lag1[rows], ]; dy <- known[rows] - 0.7 * known[lag1[rows]]
  dx <- scale(dx, scale = FALSE); dy <- dy - mean(dy); z <- X[rows, ]
  theta <- drop(solve(crossprod(z, dx), crossprod(z, dy)))
  for (step in 1:100) {
    f <- moment(theta)
    J <- sapply(seq_along(theta), function(j) {
      h <- rep(0, length(theta)); h[j] <- 1e-6
      (moment(theta + h) - moment(theta - h)) / 2e-6
    })
    move <- drop(solve(J, f)); theta <- theta - move
    if (max(abs(move)) < 1e-12) break
  }
  stopifnot(max(abs(moment(theta))) < 1e-10)
  slope <- function(v) {        # numeric derivative of f along one log input
    f <- function(m, l, k)
      drop(sapply(seq_len(nrow(e)), function(i) m^(e$m[i] + 1) / (e$m[i] + 1) * l^e$l[i] * k^e$k[i]) %*% g) +
      drop(sapply(seq_len(nrow(s)), function(i) l^s$l[i] * k^s$k[i]) %*% theta)
    h <- 1e-5
    (f(m + h * (v == "m"), l + h * (v == "l"), k + h * (v == "k")) -
       f(m - h * (v == "m"), l - h * (v == "l"), k - h * (v == "k"))) / (2 * h)
  }
  for (v in c("m", "l", "k")) {
    b <- slope(v)
    input <- c(m = "materials_usd", l = "employment", k = "capital_usd")[[v]]
    out <- rbind(out, data.frame(degree, input, row = c("mean", 0:2), elasticity = sprintf("%.12g", c(mean(b), b[1:3]))))
  }
}
write.csv(out, file.path(here, "flexible.csv"), row.names = FALSE, quote = FALSE)
