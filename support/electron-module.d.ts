/** Its types come with a package that is not needed here. */
declare module 'electron';
