using DistNet.Runs;
using Xunit;

namespace DistNet.Simulation.Tests;

/// <summary>Leases of gradients and versions of parameters: what is passed between threads without a copy.</summary>
public sealed class HandleTests
{
    [Fact]
    public void A_returned_buffer_is_leased_again_and_no_two_leases_share_one()
    {
        var pool = new GradientPool(8);
        GradientLease first = pool.Lease();
        GradientLease second = pool.Lease();
        Assert.False(first.Values.Span.Overlaps(second.Values.Span));
        first.Values.Span.Fill(7);
        first.Return();
        Assert.Equal(1, pool.Outstanding);
        GradientLease third = pool.Lease();
        Assert.Equal(7, third.Values.Span[0]);
        Assert.Equal(2, pool.Outstanding);
    }

    [Fact]
    public void A_lease_is_returned_once_and_not_read_afterwards()
    {
        GradientLease lease = new GradientPool(8).Lease();
        lease.Return();
        Assert.Throws<InvalidOperationException>(lease.Return);
        Assert.Throws<InvalidOperationException>(() => lease.Values);
    }

    [Fact]
    public void A_pool_keeps_no_more_free_buffers_than_its_capacity()
    {
        var pool = new GradientPool(8, capacity: 1);
        GradientLease[] leases = [pool.Lease(), pool.Lease()];
        leases[0].Values.Span.Fill(1);
        leases[1].Values.Span.Fill(2);
        leases[0].Return();
        leases[1].Return();
        Assert.Equal(1, pool.Lease().Values.Span[0]);
        Assert.Equal(0, pool.Lease().Values.Span[0]);
    }

    [Fact]
    public void A_handle_is_current_until_the_parameters_are_overwritten_and_never_again()
    {
        var parameters = new VersionedParameters(new float[4]);
        ParameterHandle first = parameters.Handle;
        Assert.True(first.IsCurrent);
        parameters.BeginOverwrite();
        Assert.False(first.IsCurrent);
        parameters.EndOverwrite();
        Assert.False(first.IsCurrent);
        Assert.True(parameters.Handle.IsCurrent);
        Assert.Equal(first.Version + 1, parameters.Handle.Version);
    }

    [Fact]
    public void Versions_of_two_terms_never_meet()
    {
        Assert.Equal((1L << 40) + 1, new VersionedParameters(new float[4], term: 1).Handle.Version);
        Assert.Equal((7L << 40) + 1, new VersionedParameters(new float[4], term: 7).Handle.Version);
    }

    [Fact]
    public void The_default_handle_is_empty_and_not_current()
    {
        ParameterHandle none = default;
        Assert.False(none.IsCurrent);
        Assert.Equal(0, none.Values.Length);
    }
}
