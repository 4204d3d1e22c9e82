declare module '*.glsl' {
  /** The file's text. */
  const source: string;
  export default source;
}
