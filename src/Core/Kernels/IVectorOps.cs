namespace DistNet.Kernels;

/// <summary>The float operations that kernels are written in, for one vector width. Every operation acts on each lane alone and
/// rounds once, as IEEE 754 says, so that a kernel gives the same bits at every width.</summary>
/// <typeparam name="TVector">The vector: <c>Vector512/256/128&lt;float&gt;</c>, or <c>float</c> as a vector of one lane.</typeparam>
/// <remarks>Masks are vectors whose lanes are all ones or all zeros.</remarks>
public interface IVectorOps<TVector>
    where TVector : struct
{
    /// <summary>The number of lanes: 16, 8, 4 or 1; always a divisor of 16.</summary>
    static abstract int Count { get; }

    /// <summary>All lanes +0.</summary>
    static abstract TVector Zero { get; }

    /// <summary>All lanes <paramref name="value"/>.</summary>
    static abstract TVector Broadcast(float value);

    /// <summary>Reads <see cref="Count"/> floats from <paramref name="origin"/> + <paramref name="index"/>; no alignment needed.</summary>
    static abstract TVector Load(ref readonly float origin, nuint index);

    /// <summary>Writes <see cref="Count"/> floats to <paramref name="origin"/> + <paramref name="index"/>; no alignment needed.</summary>
    static abstract void Store(TVector value, ref float origin, nuint index);

    /// <summary>a + b.</summary>
    static abstract TVector Add(TVector a, TVector b);

    /// <summary>a − b.</summary>
    static abstract TVector Subtract(TVector a, TVector b);

    /// <summary>a · b.</summary>
    static abstract TVector Multiply(TVector a, TVector b);

    /// <summary>a ÷ b.</summary>
    static abstract TVector Divide(TVector a, TVector b);

    /// <summary>√a.</summary>
    static abstract TVector Sqrt(TVector a);

    /// <summary>a · b + c, rounded once: the hardware's instruction, or its exact emulation.</summary>
    static abstract TVector FusedMultiplyAdd(TVector a, TVector b, TVector c);

    /// <summary>A mask of a &lt; b; false where either is NaN.</summary>
    static abstract TVector LessThan(TVector a, TVector b);

    /// <summary>A mask of a &gt; b; false where either is NaN.</summary>
    static abstract TVector GreaterThan(TVector a, TVector b);

    /// <summary>A mask of a = b; false where either is NaN.</summary>
    static abstract TVector EqualTo(TVector a, TVector b);

    /// <summary>Lane by lane: <paramref name="whenTrue"/> where the mask is all ones, <paramref name="whenFalse"/> where it is all zeros.</summary>
    static abstract TVector Select(TVector mask, TVector whenTrue, TVector whenFalse);

    /// <summary>Bitwise and.</summary>
    static abstract TVector And(TVector a, TVector b);

    /// <summary>Bitwise or.</summary>
    static abstract TVector Or(TVector a, TVector b);

    /// <summary>Bitwise exclusive or.</summary>
    static abstract TVector Xor(TVector a, TVector b);

    /// <summary>2^k for integral k in [−126, 127], exactly.</summary>
    static abstract TVector PowerOfTwo(TVector k);

    /// <summary>x · 2^k, rounded once at the most, for |x| in [½, 2) and integral k in [−252, 254].</summary>
    static abstract TVector Scale(TVector x, TVector k);

    /// <summary>The unbiased exponent e of a positive normal number x = m · 2^e with m in [1, 2), as a float.</summary>
    static abstract TVector Exponent(TVector x);

    /// <summary>The mantissa m in [1, 2) of a positive normal number x = m · 2^e.</summary>
    static abstract TVector Mantissa(TVector x);

    /// <summary>Bytes to floats: reads <see cref="Count"/> bytes from <paramref name="origin"/> + <paramref name="index"/>.</summary>
    static abstract TVector LoadBytes(ref readonly byte origin, nuint index);

    /// <summary>Writes the low byte of each lane's bits to <paramref name="origin"/> + <paramref name="index"/>.</summary>
    static abstract void StoreBytes(TVector value, ref byte origin, nuint index);

    /// <summary>Of the 2 · <see cref="Count"/> lanes of a, then b: those at the places 0, 2, 4, ….</summary>
    static abstract TVector Even(TVector a, TVector b);

    /// <summary>Of the 2 · <see cref="Count"/> lanes of a, then b: those at the places 1, 3, 5, ….</summary>
    static abstract TVector Odd(TVector a, TVector b);

    /// <summary>The first half of even[0], odd[0], even[1], odd[1], …: gives a back from <see cref="Even"/> and <see cref="Odd"/>.</summary>
    static abstract TVector InterleaveLow(TVector even, TVector odd);

    /// <summary>The second half of even[0], odd[0], even[1], odd[1], …: gives b back from <see cref="Even"/> and <see cref="Odd"/>.</summary>
    static abstract TVector InterleaveHigh(TVector even, TVector odd);
}

/// <summary>A kernel: a (ref) struct that carries its spans and lengths and is written once, for every width.</summary>
public interface IKernel
{
    /// <summary>Does the work with one vector type.</summary>
    void Run<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>;
}
