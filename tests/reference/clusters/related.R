# K-densities of sites.csv by direct summation of kernels, and relatedness of the plants of country.csv.
# Run: Rscript related.R   (base R; writes kdensity.csv and relatedness.csv)
options(digits = 15)
s <- read.csv("sites.csv"); s <- s[s$industry == 15, ]; n <- nrow(s)
rad <- pi / 180; R <- 6371.0088
angle <- function(i, j) {  # angle between two unit vectors by their cross and inner products
  v <- function(k) c(cos(s$latitude[k] * rad) * cos(s$longitude[k] * rad),
                     cos(s$latitude[k] * rad) * sin(s$longitude[k] * rad), sin(s$latitude[k] * rad))
  a <- v(i); b <- v(j)
  cross <- c(a[2] * b[3] - a[3] * b[2], a[3] * b[1] - a[1] * b[3], a[1] * b[2] - a[2] * b[1])
  atan2(sqrt(sum(cross^2)), sum(a * b))
}
out <- NULL
for (planar in c(FALSE, TRUE)) for (weighted in c(FALSE, TRUE)) {
  d <- w <- c()
  for (i in 1:(n - 1)) for (j in (i + 1):n) {
    d <- c(d, if (planar) sqrt((s$longitude[i] - s$longitude[j])^2 + (s$latitude[i] - s$latitude[j])^2) else R * angle(i, j))
    w <- c(w, if (weighted) s$employment[i] * s$employment[j] else 1)
  }
  h <- bw.nrd0(d); top <- if (planar) 1 else 100
  for (x in seq(0, top, length.out = 11))
    out <- rbind(out, data.frame(planar, weighted, bandwidth = h, distance = x,
                                 density = sum(w * (dnorm((x - d) / h) + dnorm((x + d) / h))) / (h * sum(w))))
}
p <- read.csv("country.csv", colClasses = c("character", "character", "character", "numeric", "numeric"))
m <- p$employment * p$weight
E <- tapply(m, list(p$region, p$industry), sum); E[is.na(E)] <- 0
N <- tapply(p$weight, list(p$region, p$industry), sum); N[is.na(N)] <- 0
S <- sweep(E, 2, colSums(E), "/"); x <- rowMeans(S)
rel <- NULL
for (i in colnames(E)) for (j in colnames(E)) if (i != j)
  rel <- rbind(rel, data.frame(industry = i, related_industry = j, employment = cor(E[, i], E[, j]),
    n_firms = cor(N[, i], N[, j]), coagglomeration = sum((S[, i] - x) * (S[, j] - x)) / (1 - sum(x^2))))
w <- function(x, f) write.csv(format(x, digits = 15, trim = TRUE), f, row.names = FALSE, quote = FALSE)
w(out, "kdensity.csv"); w(rel, "relatedness.csv")
