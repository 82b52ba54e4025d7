/** Prism's parts, one by one: the core tokenizes, a grammar adds itself to it. */
declare module "prismjs/components/prism-core" {
  import type Prism from "prismjs";
  const prism: typeof Prism;
  export default prism;
}
declare module "prismjs/components/prism-python";
