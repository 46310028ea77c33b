using System.Runtime.CompilerServices;

namespace DistNet.Kernels;

/// <summary>The thread's treatment of subnormal numbers. Native libraries may switch a thread to flushing them to zero, which would change bits.</summary>
public static class SubnormalMode
{
    /// <summary>Asserts that this thread keeps subnormal operands and results; every compute thread calls it before it computes.</summary>
    /// <exception cref="InvalidOperationException">This thread flushes subnormals to zero.</exception>
    public static void AssertKept() => Invariant.Holds(AreKept(float.Epsilon, 1f, 2f, FloatBits.LeastNormal));

    // Not inlined, so that the compiler cannot compute it.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool AreKept(float smallest, float one, float two, float smallestNormal)
    {
        float same = smallest * one;
        float doubled = smallest * two;
        float halved = smallestNormal / two;
        return BitConverter.SingleToInt32Bits(same) == 1
            && BitConverter.SingleToInt32Bits(doubled) == 2
            && BitConverter.SingleToInt32Bits(halved) == 0x0040_0000;
    }
}
