using System.Diagnostics;
using DistNet.Cli.Verbs;
using Xunit;

namespace DistNet.Cli.Tests;

public sealed class ProcessorSetTests
{
    [Theory]
    [InlineData("0", 0b1UL)]
    [InlineData("0-3,6", 0b1001111UL)]
    [InlineData("5,1", 0b100010UL)]
    [InlineData("2-2", 0b100UL)]
    [InlineData("0-63", ulong.MaxValue)]
    public void A_list_is_a_set(string list, ulong set) => Assert.Equal(set, ProcessorSet.Parse(list, "--processors"));

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("-1")]
    [InlineData("3-1")]
    [InlineData("1-")]
    [InlineData("1-2-3")]
    [InlineData("64")]
    [InlineData("1,,2")]
    [InlineData(" 1")]
    public void What_is_no_list_is_refused(string list) =>
        Assert.Contains("expected numbers from 0 to 63", Assert.Throws<DistNetException>(() => ProcessorSet.Parse(list, "--processors")).Message, StringComparison.Ordinal);

    [Fact]
    public void Workers_that_fill_the_machine_share_it_out()
    {
        Assert.Equal(["0", "1"], Enumerable.Range(0, 2).Select(index => ProcessorSet.Share(index, 2, 1, 0b11)));
        Assert.Equal(["1,4", "5,9"], Enumerable.Range(0, 2).Select(index => ProcessorSet.Share(index, 2, 2, 0b1000110010)));
    }

    [Fact]
    public void Others_are_left_to_the_system()
    {
        Assert.Null(ProcessorSet.Share(0, 2, 1, 0b111));
        Assert.Null(ProcessorSet.Share(0, 3, 1, 0b11));
        Assert.Null(ProcessorSet.Share(0, 1, 1, 0));
        Assert.Null(ProcessorSet.Share(2, 2, 1, 0b11));
        Assert.Null(ProcessorSet.Share(0, Environment.ProcessorCount + 1, 1));
    }

    [Fact]
    public void A_processor_that_there_is_not_is_refused_before_anything_is_changed()
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsWindows())
        {
            Assert.Throws<DistNetException>(() => ProcessorSet.Use("0", "--processors"));
            return;
        }

        using Process self = Process.GetCurrentProcess();
        nint before = self.ProcessorAffinity;
        Assert.Contains("may not use", Assert.Throws<DistNetException>(() => ProcessorSet.Use(FormattableString.Invariant($"{Environment.ProcessorCount + 1}-63"), "--processors")).Message, StringComparison.Ordinal);
        Assert.Equal(before, self.ProcessorAffinity);
    }
}
