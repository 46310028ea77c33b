namespace DistNet.Kernels;

/// <summary>A number that the JIT knows: the rows of a tile, or its vectors side by side.</summary>
internal interface ITileCount
{
    static abstract int Count { get; }
}

internal readonly struct One : ITileCount
{
    public static int Count => 1;
}

internal readonly struct Two : ITileCount
{
    public static int Count => 2;
}

internal readonly struct Three : ITileCount
{
    public static int Count => 3;
}

internal readonly struct Four : ITileCount
{
    public static int Count => 4;
}

internal readonly struct Five : ITileCount
{
    public static int Count => 5;
}

internal readonly struct Six : ITileCount
{
    public static int Count => 6;
}

internal readonly struct Seven : ITileCount
{
    public static int Count => 7;
}

internal readonly struct Eight : ITileCount
{
    public static int Count => 8;
}

internal readonly struct Nine : ITileCount
{
    public static int Count => 9;
}

internal readonly struct Ten : ITileCount
{
    public static int Count => 10;
}

internal readonly struct Eleven : ITileCount
{
    public static int Count => 11;
}

internal readonly struct Twelve : ITileCount
{
    public static int Count => 12;
}
