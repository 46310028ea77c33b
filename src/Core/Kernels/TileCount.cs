using System.Runtime.InteropServices;

namespace DistNet.Kernels;

/// <summary>A number as the size of a type: the rows of a tile, or its vectors side by side. The JIT knows sizes already while it reads a method, and so never looks at what a smaller tile does not have.</summary>
internal interface ITileCount;

[StructLayout(LayoutKind.Sequential, Size = 1)]
internal readonly struct One : ITileCount;

[StructLayout(LayoutKind.Sequential, Size = 2)]
internal readonly struct Two : ITileCount;

[StructLayout(LayoutKind.Sequential, Size = 3)]
internal readonly struct Three : ITileCount;

[StructLayout(LayoutKind.Sequential, Size = 4)]
internal readonly struct Four : ITileCount;

[StructLayout(LayoutKind.Sequential, Size = 5)]
internal readonly struct Five : ITileCount;

[StructLayout(LayoutKind.Sequential, Size = 6)]
internal readonly struct Six : ITileCount;

[StructLayout(LayoutKind.Sequential, Size = 7)]
internal readonly struct Seven : ITileCount;

[StructLayout(LayoutKind.Sequential, Size = 8)]
internal readonly struct Eight : ITileCount;

[StructLayout(LayoutKind.Sequential, Size = 9)]
internal readonly struct Nine : ITileCount;

[StructLayout(LayoutKind.Sequential, Size = 10)]
internal readonly struct Ten : ITileCount;

[StructLayout(LayoutKind.Sequential, Size = 11)]
internal readonly struct Eleven : ITileCount;

[StructLayout(LayoutKind.Sequential, Size = 12)]
internal readonly struct Twelve : ITileCount;
