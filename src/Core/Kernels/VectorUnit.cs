using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DistNet.Kernels;

/// <summary>The lanes of one vector, in floats.</summary>
public enum VectorWidth
{
    /// <summary>One float at a time.</summary>
    Scalar = 1,

    /// <summary>128 bits: SSE2, AdvSimd.</summary>
    Bits128 = 4,

    /// <summary>256 bits: AVX2.</summary>
    Bits256 = 8,

    /// <summary>512 bits: AVX-512.</summary>
    Bits512 = 16,
}

/// <summary>The vector width and the fused multiply-add that kernels run with. Every choice gives the same bits; the tests inject each of them,
/// and everyone else takes <see cref="Widest"/>.</summary>
public sealed class VectorUnit
{
    private VectorUnit(VectorWidth width, bool emulated)
    {
        Width = width;
        Emulated = emulated;
    }

    /// <summary>The widest unit this processor has; without a fused multiply-add in hardware, the emulated one.</summary>
    public static VectorUnit Widest { get; } = Available()[0];

    private static VectorUnit Half { get; } = new(VectorWidth.Bits256, false);

    /// <summary>The width.</summary>
    public VectorWidth Width { get; }

    /// <summary>Whether the fused multiply-add is emulated (exactly, from additions and multiplications in double).</summary>
    public bool Emulated { get; }

    /// <summary>Every unit that runs on this processor, the fastest first; the emulated ones run everywhere.</summary>
    public static IReadOnlyList<VectorUnit> Available()
    {
        List<VectorUnit> units = [];
        if (HardwareFusedMultiplyAdd)
        {
            if (Vector512.IsHardwareAccelerated)
            {
                units.Add(new(VectorWidth.Bits512, false));
            }

            if (Vector256.IsHardwareAccelerated)
            {
                units.Add(new(VectorWidth.Bits256, false));
            }

            units.Add(new(VectorWidth.Bits128, false));
            units.Add(new(VectorWidth.Scalar, false));
        }

        units.Add(new(VectorWidth.Bits128, true));
        units.Add(new(VectorWidth.Scalar, true));
        return units;
    }

    /// <summary>This unit, or a narrower one where its vectors would mostly be empty: two halves of a wide vector cost as much as two narrow ones.</summary>
    /// <param name="lanes">How many lanes are used at once.</param>
    internal VectorUnit For(int lanes) => Width == VectorWidth.Bits512 && lanes <= (int)VectorWidth.Bits256 ? Half : this;

    /// <summary>Runs a kernel at this width.</summary>
    /// <param name="kernel">The work, with its spans and lengths.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Run<TKernel>(scoped ref TKernel kernel)
        where TKernel : struct, IKernel, allows ref struct
    {
        switch (Width)
        {
            case VectorWidth.Bits512:
                kernel.Run<Vector512<float>, Ops512>();
                break;
            case VectorWidth.Bits256:
                kernel.Run<Vector256<float>, Ops256>();
                break;
            case VectorWidth.Bits128 when Emulated:
                kernel.Run<Vector128<float>, Ops128Emulated>();
                break;
            case VectorWidth.Bits128:
                kernel.Run<Vector128<float>, Ops128>();
                break;
            case VectorWidth.Scalar when Emulated:
                kernel.Run<float, OpsScalarEmulated>();
                break;
            default:
                kernel.Run<float, OpsScalar>();
                break;
        }
    }

    /// <summary>As <c>512-bit</c> or <c>128-bit, emulated FMA</c>.</summary>
    public override string ToString() => $"{(int)Width * 32}-bit{(Emulated ? ", emulated FMA" : "")}";

    internal static bool HardwareFusedMultiplyAdd =>
        System.Runtime.Intrinsics.X86.Fma.IsSupported || System.Runtime.Intrinsics.X86.Avx512F.IsSupported || System.Runtime.Intrinsics.Arm.AdvSimd.IsSupported;
}
