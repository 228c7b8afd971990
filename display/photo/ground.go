package photo

// Ground is what is behind the transparent parts of an image. Black and white have
// the same contrast to it, 4.6 to 1 (WCAG 2.2, 1.4.3): drawings are made in either.
const Ground = 0x757575
