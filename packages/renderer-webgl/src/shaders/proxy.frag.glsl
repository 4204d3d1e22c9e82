// Out: depth as bits of a float, the lowest two of which are instead the number of the program that the pixel needs.
uniform uint program;

out uint depth;

void main() {
  depth = (floatBitsToUint(gl_FragCoord.z) & ~3u) | program;
}
