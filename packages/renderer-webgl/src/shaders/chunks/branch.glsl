// A branch that is really taken. Software rasterisers (SwiftShader) run both sides of an if and mask what comes out, reads of textures included;
// a loop that no pixel of a group enters costs nothing anywhere.
#define WHEN(condition) for (bool once = condition; once; once = false)
