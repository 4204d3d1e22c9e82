declare module '*.wgsl' {
  /** The file's text. */
  const source: string;
  export default source;
}
